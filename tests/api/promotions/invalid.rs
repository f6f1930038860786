//! Promotions that are rejected, and the admin token.

use serde_json::{Value, json};

use super::{faces, serve};
use crate::{helpers::assert_problem, lifecycle::models_dir};

#[actix_web::test]
async fn invalid_promotions_are_rejected() {
    let root = models_dir(&[("m", "1", "small"), ("m", "2", "tiny"), ("n", "1", "tiny")]);
    let data = faces();
    let app = serve(&root, &data, &["--version-policy=1", "--default-model=n"]);
    let spec = |change: Value| {
        let mut spec = json!({"version": "2", "dataset": "faces", "min_accuracy": 0.5});
        for (key, value) in change.as_object().unwrap() {
            spec[key] = value.clone();
        }
        spec
    };
    for (model, change, status, code) in [
        ("nope", json!({}), 404, "unknown_model"),
        ("m", json!({"version": "3"}), 404, "unknown_version"),
        ("m", json!({"version": "../1"}), 404, "unknown_version"),
        ("m", json!({"dataset": "nope"}), 404, "unknown_dataset"),
        ("m", json!({"split": "dev"}), 400, "invalid_request"),
        ("m", json!({"limit": 0}), 400, "invalid_request"),
        ("m", json!({"min_accuracy": 70}), 400, "invalid_request"),
        ("m", json!({"min_accuracy": -0.1}), 400, "invalid_request"),
        ("m", json!({"max_regression": 0.1}), 400, "invalid_request"),
        ("m", json!({"min_accuracy": null}), 400, "invalid_request"),
        (
            "m",
            json!({"baseline_version": "1"}),
            400,
            "invalid_request",
        ),
        ("m", json!({"more": 1}), 400, "invalid_request"),
        ("m", json!({"version": "1"}), 409, "conflict"),
    ] {
        let response = app.post_promotion(model, &spec(change.clone())).await;
        let body = assert_problem(response, status, code).await;
        assert!(
            !body["detail"].as_str().unwrap().contains("MIEN"),
            "{change}"
        );
    }
    let worse = |baseline: &str| {
        spec(json!({"min_accuracy": null, "max_regression": 0.1, "baseline_version": baseline}))
    };
    let itself = app.post_promotion("m", &worse("2")).await;
    assert_problem(itself, 400, "invalid_request").await;
    assert_problem(
        app.post_promotion("m", &worse("7")).await,
        404,
        "unknown_version",
    )
    .await;
    let narrow = spec(json!({"min_accuracy": null, "max_regression": 0.1}));
    let body = assert_problem(
        app.post_promotion("m", &narrow).await,
        400,
        "invalid_request",
    )
    .await;
    let detail = body["detail"].as_str().unwrap();
    assert!(
        detail.contains("10 images are too few") && detail.contains("at least 18 images"),
        "{detail}"
    );
    app.unload("m").await;
    let body = assert_problem(
        app.post_promotion("m", &spec(json!({}))).await,
        409,
        "conflict",
    );
    assert!(
        body.await["detail"]
            .as_str()
            .unwrap()
            .contains("load the model first")
    );
    // Rejected requests leave no record and no pin.
    assert_eq!(
        app.json("/v1/models/m/promotions").await,
        json!({"promotions": []})
    );
    assert_eq!(app.json("/v1/models/m").await["pinned"], json!(null));
    assert_problem(
        app.get("/v1/models/m/promotions/nope").await,
        404,
        "unknown_promotion",
    )
    .await;
    assert_problem(
        app.get("/v1/models/nope/promotions").await,
        404,
        "unknown_model",
    )
    .await;
}

#[actix_web::test]
async fn promotions_and_pins_need_admin_token() {
    const TOKEN: &str = "a-token-of-this-test";
    let (root, data) = (
        models_dir(&[("m", "1", "small"), ("m", "2", "tiny")]),
        faces(),
    );
    let app = serve(
        &root,
        &data,
        &["--version-policy=1", "--admin-token", TOKEN],
    );
    let spec = json!({"version": "2", "dataset": "faces", "min_accuracy": 0.5});
    assert_problem(app.post_promotion("m", &spec).await, 401, "unauthorized").await;
    for path in ["/v1/models/m/promotions/x", "/v1/models/m/pin"] {
        let response = app.client.delete(app.url(path)).send().await.unwrap();
        assert_problem(response, 401, "unauthorized").await;
    }
    let response = app
        .client
        .put(app.url("/v1/models/m/pin"))
        .send()
        .await
        .unwrap();
    assert_problem(response, 401, "unauthorized").await;
    let request = app
        .client
        .post(app.url("/v1/models/m/promotions"))
        .json(&spec);
    let accepted = request.bearer_auth(TOKEN).send().await.unwrap();
    let location = accepted.headers()["location"].to_str().unwrap().to_owned();
    // Read requests do not need the token.
    app.until_promotion(&location, "rejected").await;
}
