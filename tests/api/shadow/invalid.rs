//! Shadows that are not started, and the admin token.

use serde_json::json;

use super::{PATH, SAME, serve};
use crate::{helpers::assert_problem, lifecycle::models_dir};

#[actix_web::test]
async fn invalid_shadows_are_rejected() {
    let root = models_dir(&[
        ("m", "1", "small"),
        ("m", "2", SAME),
        ("m", "3", "keras"),
        ("m", "4", "tiny"),
        ("m", "5", "broken"),
    ]);
    let app = serve(&root, &[]);
    for (request, status, code) in [
        (json!({}), 400, "invalid_request"),
        (json!({"candidate": "2", "more": 1}), 400, "invalid_request"),
        (json!({"candidate": "two"}), 400, "invalid_request"),
        (
            json!({"candidate": "2", "share": 0}),
            400,
            "invalid_request",
        ),
        (
            json!({"candidate": "2", "share": 1.5}),
            400,
            "invalid_request",
        ),
        (json!({"candidate": "nope@1"}), 404, "unknown_model"),
        (json!({"candidate": "9"}), 404, "unknown_version"),
        (
            json!({"candidate": "2", "version": "x"}),
            404,
            "unknown_version",
        ),
        (json!({"candidate": "1"}), 409, "conflict"),
        (json!({"candidate": "m@1"}), 409, "conflict"),
        (json!({"candidate": "2", "version": "3"}), 409, "conflict"),
        (json!({"candidate": "3"}), 409, "not_comparable"),
        (json!({"candidate": "4"}), 409, "not_comparable"),
        (json!({"candidate": "5"}), 409, "invalid_model"),
    ] {
        let body = assert_problem(app.post_shadow(&request).await, status, code).await;
        let detail = body["detail"].as_str().unwrap();
        assert!(!detail.contains(root.path().to_str().unwrap()), "{detail}");
    }
    // Rejected shadows are not reported, and the model can have a shadow.
    assert_problem(app.get(PATH).await, 404, "unknown_shadow").await;
    let delete = app.client.delete(app.url(PATH)).send().await.unwrap();
    assert_problem(delete, 404, "unknown_shadow").await;
    assert_problem(
        app.get("/v1/models/nope/shadow").await,
        404,
        "unknown_model",
    )
    .await;
    app.start_shadow("2").await;
    let second = app.post_shadow(&json!({"candidate": "2"})).await;
    let body = assert_problem(second, 409, "conflict").await;
    assert_eq!(
        body["detail"],
        "a shadow of model `m` is already running; end it first"
    );
    app.unload("m").await;
    app.until_shadow("ended").await;
    let unloaded = app.post_shadow(&json!({"candidate": "2"})).await;
    assert_problem(unloaded, 409, "conflict").await;
}

#[actix_web::test]
async fn shadow_changes_need_admin_token() {
    const TOKEN: &str = "a-token-of-this-test";
    let root = models_dir(&[("m", "1", "small"), ("m", "2", SAME)]);
    let mut app = serve(&root, &["--admin-token", TOKEN]);
    let request = json!({"candidate": "2"});
    assert_problem(app.post_shadow(&request).await, 401, "unauthorized").await;
    let delete = app.client.delete(app.url(PATH)).send().await.unwrap();
    assert_problem(delete, 401, "unauthorized").await;
    assert_problem(app.get(PATH).await, 404, "unknown_shadow").await;
    app.authorize(TOKEN);
    app.start_shadow("2").await;
    assert_eq!(app.end_shadow().await["status"], "ended");
}
