//! Tests of the middleware.

use std::sync::Arc;

use actix_web::{App, HttpResponse, middleware::from_fn, test};
use clap::Parser;

use super::*;
use crate::{
    cli::{Cli, Command},
    evaluation::{Datasets, Evaluations},
    http::{self, ServedRoutes},
    metrics::Metrics,
    models::registry::Registry,
    store::Store,
};

fn state() -> web::Data<AppState> {
    let Command::Serve(settings) = Cli::parse_from(["mien", "serve"]).command else {
        unreachable!("`serve` was parsed");
    };
    let registry = Registry::empty();
    let metrics = Arc::new(Metrics::new());
    let (datasets, store) = (Arc::new(Datasets::default()), Store::memory().unwrap());
    let retention = settings.state.evaluation_retention;
    let evaluations = Evaluations::open(
        Arc::clone(&datasets),
        Arc::clone(&metrics),
        store,
        retention,
        None,
    )
    .unwrap();
    web::Data::new(AppState::new(
        Arc::new(registry),
        metrics,
        datasets,
        evaluations.into(),
        None,
        settings.limits,
    ))
}

#[actix_web::test]
async fn panic_returns_500_with_request_id() {
    async fn panics() -> HttpResponse {
        panic!("boom")
    }
    let state = state();
    let app = App::new()
        .app_data(state.clone())
        .app_data(web::Data::new(Connections::default()))
        .route("/panics", web::get().to(panics))
        .wrap(from_fn(observe));
    let app = test::init_service(app).await;
    let request = test::TestRequest::get()
        .uri("/panics")
        .insert_header(("x-request-id", "mine"));
    let error = test::try_call_service(&app, request.to_request())
        .await
        .unwrap_err();
    let response = error.error_response();
    assert_eq!(response.status(), 500);
    assert_eq!(response.headers().get("x-request-id").unwrap(), "mine");
    let text = state.metrics.render().unwrap();
    assert!(
        text.contains(r#"{method="GET",route="/panics",status="500"} 1"#),
        "{text}"
    );
}

#[actix_web::test]
async fn server_without_model_is_live_not_ready() {
    let app = App::new()
        .app_data(state())
        .app_data(web::Data::new(Connections::default()))
        .configure(|config| http::configure(ServedRoutes::ALL, config))
        .wrap(from_fn(observe));
    let app = test::init_service(app).await;
    for (path, status) in [("/health/live", 200), ("/health/ready", 503)] {
        let request = test::TestRequest::get().uri(path).to_request();
        assert_eq!(
            test::call_service(&app, request).await.status(),
            status,
            "{path}"
        );
    }
}
