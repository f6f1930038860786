//! Limits of keys over HTTP.

use reqwest::{Response, StatusCode};

use super::{KeyFile, TOKEN};
use crate::helpers::{TestApp, assert_problem, face};

/// The images of this key are available again after 1000 s, so no test waits for them.
const SLOW: &str = "images_per_second = 0.004\nburst = 4";

async fn classify(app: &TestApp, images: usize, key: &str) -> Response {
    let images = (0..images).map(|_| face("happy"));
    let request = app.classify_many("?model=small", images).bearer_auth(key);
    request.send().await.unwrap()
}

#[actix_web::test]
async fn exceeded_rate_is_429_with_headers() {
    let file = KeyFile::new(&[("slow", "\"infer\"", SLOW), ("other", "\"infer\"", "")]);
    let app = file.serve(&["--admin-token", TOKEN]);
    assert_eq!(
        classify(&app, 3, "slow-secret").await.status(),
        StatusCode::OK
    );
    let response = classify(&app, 2, "slow-secret").await;
    let headers = response.headers().clone();
    let body = assert_problem(response, 429, "rate_limited").await;
    let detail = body["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("the API key `slow` has 1 of 4 images left"),
        "{detail}"
    );
    assert_eq!(headers["ratelimit-policy"], "\"images\";q=4;w=1000");
    let state = headers["ratelimit"].to_str().unwrap();
    let reset = state.strip_prefix("\"images\";r=1;t=").unwrap();
    assert_eq!(headers["retry-after"], reset);
    let reset: u64 = reset.parse().unwrap();
    assert!((100..=250).contains(&reset), "{reset}");
    // The rejected request did not use the last image, and other clients are not limited.
    assert_eq!(
        classify(&app, 1, "slow-secret").await.status(),
        StatusCode::OK
    );
    for key in ["other-secret", TOKEN] {
        assert_eq!(classify(&app, 4, key).await.status(), StatusCode::OK);
    }
}

#[actix_web::test]
async fn metrics_show_images_that_limits_allow() {
    let file = KeyFile::new(&[
        ("slow", "\"infer\"", SLOW),
        ("other", "\"infer\"", "concurrent_images = 2"),
    ]);
    let mut app = file.serve(&["--admin-token", TOKEN]);
    let response = classify(&app, 3, "slow-secret").await;
    assert_eq!(response.status(), StatusCode::OK);
    app.authorize(TOKEN);
    let available = app.metric("mien_key_available_images{key=\"slow\"}").await;
    assert!((1.0..4.0).contains(&available), "{available}");
    let concurrent = "mien_key_concurrent_images{key=\"other\"}";
    assert_eq!(app.metric(concurrent).await, 0.0);
    let text = app.get("/metrics").await.text().await.unwrap();
    for series in [
        "mien_key_available_images{key=\"other\"}",
        "mien_key_concurrent_images{key=\"slow\"}",
    ] {
        assert!(!text.contains(series), "{series}");
    }
}

#[actix_web::test]
async fn request_larger_than_limit_is_413() {
    let keys = [
        ("slow", "\"infer\"", SLOW),
        ("single", "\"infer\"", "concurrent_images = 1"),
    ];
    let file = KeyFile::new(&keys);
    let app = file.serve(&[]);
    for (key, images, max) in [("slow-secret", 5, 4), ("single-secret", 2, 1)] {
        let response = classify(&app, images, key).await;
        assert!(!response.headers().contains_key("retry-after"));
        let body = assert_problem(response, 413, "too_large").await;
        let detail = body["detail"].as_str().unwrap();
        assert!(
            detail.contains(&format!("at most {max} images")),
            "{detail}"
        );
    }
    // Each response releases its concurrent images.
    for _ in 0..3 {
        let response = classify(&app, 1, "single-secret").await;
        assert_eq!(response.status(), StatusCode::OK);
    }
}

#[actix_web::test]
async fn every_inference_route_counts_images() {
    let file = KeyFile::new(&[("slow", "\"infer\"", SLOW), ("metrics", "\"metrics\"", "")]);
    let mut app = file.serve(&[]);
    let post = |path: &str| app.client.post(app.url(path)).bearer_auth("slow-secret");
    let explained = post("/v1/explain?model=small").body(face("happy"));
    assert_eq!(explained.send().await.unwrap().status(), StatusCode::OK);
    let infer = || {
        let gray = crate::v2::gray("happy");
        let request = post("/v2/models/small/infer").header("inference-header-content-length", 0);
        request.body(gray).send()
    };
    for _ in 0..3 {
        assert_eq!(infer().await.unwrap().status(), StatusCode::OK);
    }
    let limited = infer().await.unwrap();
    assert_eq!(limited.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(limited.headers().contains_key("ratelimit"));
    let explained = post("/v1/explain?model=small").body(face("happy"));
    assert_problem(explained.send().await.unwrap(), 429, "rate_limited").await;
    app.authorize("metrics-secret");
    let images = app.metric("mien_key_images_total{key=\"slow\"}").await;
    let limited = "mien_key_limited_total{key=\"slow\",limit=\"rate\"}";
    assert_eq!((images, app.metric(limited).await), (4.0, 2.0));
}
