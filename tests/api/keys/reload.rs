//! Changes of the file of keys.

use reqwest::StatusCode;

use super::{KeyFile, entries, status};
use crate::{
    eventually::{TIMEOUT, eventually},
    helpers::{settings, startup_error},
};

const METRICS: (&str, &str, &str) = ("metrics", "\"metrics\"", "");

#[actix_web::test]
async fn changed_file_takes_effect_without_restart() {
    let file = KeyFile::new(&[METRICS, ("old", "\"infer\"", "")]);
    let mut app = file.serve(&[]);
    app.authorize("metrics-secret");
    file.write(&entries(&[METRICS, ("new", "\"infer\"", "")]));
    eventually(TIMEOUT, "the new key is valid", async || {
        (status(&app, "GET", "/v1/models", "new-secret").await == 200).then_some(())
    })
    .await;
    assert_eq!(status(&app, "GET", "/v1/models", "old-secret").await, 401);
    let text = app.get("/metrics").await.text().await.unwrap();
    assert!(text.contains("key=\"new\"") && !text.contains("key=\"old\""));
    let reloads = "mien_file_reloads_total{file=\"api_keys\",outcome=\"ok\"}";
    assert_eq!(app.metric(reloads).await, 1.0);
}

#[actix_web::test]
async fn invalid_file_keeps_keys_and_is_counted() {
    let file = KeyFile::new(&[METRICS]);
    let mut app = file.serve(&[]);
    app.authorize("metrics-secret");
    file.write("[[key]]\nname = \"a\"\n");
    let failed = "mien_file_reloads_total{file=\"api_keys\",outcome=\"failed\"}";
    app.until_metric(failed, 1.0).await;
    assert_eq!(app.get("/metrics").await.status(), StatusCode::OK);
}

#[actix_web::test]
async fn invalid_file_is_an_error_at_startup() {
    let file = KeyFile::new(&[("a", "\"everything\"", "")]);
    let error = startup_error(&settings(&[&file.flag()])).await;
    assert!(
        error.contains("keys.toml") && error.contains("--api-keys"),
        "{error}"
    );
    let error = startup_error(&settings(&["--api-keys=/does/not/exist"])).await;
    assert!(error.contains("`/does/not/exist` (--api-keys)"), "{error}");
}
