//! A server in the process of the tests.

use std::{
    future, thread,
    time::{Duration, Instant},
};

use actix_web::rt;
use mien::{
    models::registry::{ModelView, VersionState},
    settings::Settings,
    startup::Application,
};
use reqwest::{
    Client, RequestBuilder, Response,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
    multipart,
};
use serde_json::Value;
use tokio::sync::oneshot;

use super::{face, http_client, http_client_builder, settings};
use crate::eventually::{TIMEOUT, eventually};

/// Interval between two checks of the models.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// A running server, which stops when it is dropped.
pub(crate) struct TestApp {
    pub(crate) base: String,
    pub(crate) client: Client,
    stop: Option<oneshot::Sender<()>>,
    end: Option<rt::task::JoinHandle<()>>,
}

impl TestApp {
    pub(crate) fn spawn() -> Self {
        Self::spawn_with(&[])
    }

    pub(crate) fn spawn_with(flags: &[&str]) -> Self {
        Self::run(Application::build(&settings(flags)).unwrap())
    }

    /// Waits until every model is loaded or has failed, then runs the server.
    pub(crate) fn run(app: Application) -> Self {
        let (registry, start) = (app.registry(), Instant::now());
        let loading = |model: &ModelView| {
            model
                .versions
                .values()
                .any(|state| matches!(state, VersionState::Loading))
        };
        while registry.models().iter().any(loading) {
            assert!(
                start.elapsed() < TIMEOUT,
                "timed out after {TIMEOUT:?}: the models are loaded"
            );
            thread::sleep(POLL_INTERVAL);
        }
        Self::run_unready(app)
    }

    /// Runs the server without waiting for its models.
    pub(crate) fn run_unready(app: Application) -> Self {
        let base = format!("http://127.0.0.1:{}", app.port());
        let (stop, stopped) = oneshot::channel();
        // `startup_error` returns the result for the tests that check it.
        let end = rt::spawn(async { drop(app.run_until(async { drop(stopped.await) }).await) });
        Self {
            base,
            client: http_client(),
            stop: Some(stop),
            end: Some(end),
        }
    }

    /// Sends a token with all further requests that have no `Authorization` header.
    pub(crate) fn authorize(&mut self, token: &str) {
        let bearer = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
        let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
        self.client = http_client_builder()
            .default_headers(headers)
            .build()
            .unwrap();
    }

    /// Starts the shutdown of the server.
    pub(crate) fn stop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
    }

    /// Stops the server and waits until it has ended.
    pub(crate) async fn stop_and_wait(&mut self) {
        self.stop();
        if let Some(end) = self.end.take() {
            end.await.unwrap();
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        self.get(path).await.json().await.unwrap()
    }

    /// Creates a classification whose body is one image. `query` starts with `?` or is empty.
    pub(crate) fn classify(&self, query: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.client
            .post(self.url(&format!("/v1/classify{query}")))
            .body(body)
    }

    /// Creates a classification whose body is JSON.
    pub(crate) fn classify_json(&self, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.classify("", body)
            .header("content-type", "application/json")
    }

    /// Checks that the server classifies a face.
    pub(crate) async fn assert_classifies(&self) {
        let response = self.classify("", face("happy")).send().await.unwrap();
        assert_eq!(response.status(), 200);
    }

    /// Creates a classification whose body is a form with images.
    pub(crate) fn classify_many(
        &self,
        query: &str,
        images: impl IntoIterator<Item = Vec<u8>>,
    ) -> RequestBuilder {
        self.client
            .post(self.url(&format!("/v1/classify{query}")))
            .multipart(form_of(images))
    }

    /// Returns the value of a metric.
    pub(crate) async fn metric(&self, series: &str) -> f64 {
        let text = self.get("/metrics").await.text().await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(series));
        line.unwrap_or_else(|| panic!("{series} in {text}"))
            .trim()
            .parse()
            .unwrap()
    }

    /// Waits until `/metrics` contains `text`.
    pub(crate) async fn until_metrics_contain(&self, text: &str) {
        eventually(
            TIMEOUT,
            &format!("the metrics contain {text}"),
            async || {
                let metrics = self.get("/metrics").await.text().await.unwrap();
                metrics.contains(text).then_some(())
            },
        )
        .await;
    }

    /// Waits until a metric has a value.
    pub(crate) async fn until_metric(&self, series: &str, value: f64) {
        eventually(TIMEOUT, &format!("{series} is {value}"), async || {
            (self.metric(series).await == value).then_some(())
        })
        .await;
    }
}

/// Returns a form with images.
pub(crate) fn form_of(images: impl IntoIterator<Item = Vec<u8>>) -> multipart::Form {
    images
        .into_iter()
        .fold(multipart::Form::new(), |form, image| {
            form.part("image", multipart::Part::bytes(image).file_name("image"))
        })
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Returns the error of a server that does not start or ends without a signal.
pub(crate) async fn startup_error(settings: &Settings) -> String {
    match Application::build(settings) {
        Err(error) => error.to_string(),
        Ok(app) => app
            .run_until(future::pending())
            .await
            .unwrap_err()
            .to_string(),
    }
}
