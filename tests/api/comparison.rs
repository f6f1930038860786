//! `GET /v1/evaluations/compare`.

use mien_faces::report::{Prediction, csv};
use serde_json::{Value, json};

use crate::{
    evaluations::{STUCK, data_set, put, spawn},
    helpers::{TestApp, assert_problem, face, send},
};

impl TestApp {
    /// Starts an evaluation, waits until it succeeds, and returns its identifier.
    pub(crate) async fn evaluate(&self, spec: &Value) -> String {
        let location = self.start_evaluation(spec).await;
        self.until_evaluation(&location, "succeeded").await;
        location.rsplit('/').next().unwrap().to_owned()
    }

    async fn predictions(&self, id: &str) -> Vec<Prediction> {
        let lines = self.get(&format!("/v1/evaluations/{id}/predictions")).await;
        csv::read(lines.bytes().await.unwrap().as_ref())
            .unwrap()
            .images
    }
}

/// Returns the request of an evaluation of a model.
fn of_model(model: &str) -> Value {
    json!({"dataset": "faces", "model": model})
}

fn path(a: &str, b: &str) -> String {
    format!("/v1/evaluations/compare?a={a}&b={b}")
}

#[actix_web::test]
async fn comparison_covers_common_images() {
    let data = data_set();
    let app = spawn(&data, &[]);
    let a = app.evaluate(&of_model("keras")).await;
    let mut part = of_model("small");
    part["limit"] = json!(6);
    let b = app.evaluate(&part).await;
    let comparison = app.json(&path(&a, &b)).await;
    for (key, id) in [("evaluation_a", &a), ("evaluation_b", &b)] {
        let mut document = app.json(&format!("/v1/evaluations/{id}")).await;
        document.as_object_mut().unwrap().remove("report");
        assert_eq!(comparison[key], document);
    }

    // The expected counts are computed from `/predictions`.
    let (of_a, of_b) = (app.predictions(&a).await, app.predictions(&b).await);
    assert_eq!((of_a.len(), of_b.len()), (7, 6));
    let mut pairs = [0; 4];
    for in_b in &of_b {
        let in_a = of_a.iter().find(|in_a| in_a.image == in_b.image).unwrap();
        let is_correct = |p: &Prediction| p.outcome().prediction() == p.truth;
        pairs[2 * usize::from(!is_correct(in_a)) + usize::from(!is_correct(in_b))] += 1;
    }
    let keys = [
        "both_correct",
        "only_a_correct",
        "only_b_correct",
        "both_incorrect",
    ];
    assert_eq!(
        json!(keys.map(|key| &comparison["pairs"][key])),
        json!(pairs)
    );
    let counts = ["images", "only_in_a", "only_in_b"].map(|key| &comparison[key]);
    assert_eq!(json!(counts), json!([6, 1, 0]));

    insta::assert_json_snapshot!(comparison, {
        ".evaluation_a" => "[head]", ".evaluation_b" => "[head]",
        ".difference_interval[]" => insta::rounded_redaction(4),
        ".groups[].groups[].difference_interval[]" => insta::rounded_redaction(4),
        ".a.interval[]" => insta::rounded_redaction(4), ".b.interval[]" => insta::rounded_redaction(4),
        ".flipped.images[].confidence_a" => insta::rounded_redaction(4),
        ".flipped.images[].confidence_b" => insta::rounded_redaction(4),
    });
}

#[actix_web::test]
async fn comparison_is_symmetric() {
    let data = data_set();
    let app = spawn(&data, &[]);
    let a = app.evaluate(&of_model("keras")).await;
    let b = app.evaluate(&of_model("small")).await;
    let comparison = app.json(&path(&a, &b)).await;
    let mirrored = app.json(&path(&b, &a)).await;
    assert_eq!(
        mirrored["pairs"]["only_a_correct"],
        comparison["pairs"]["only_b_correct"]
    );
    let same = app.json(&path(&a, &a)).await;
    assert_eq!(
        (&same["difference"], &same["p_value"]),
        (&json!(0.0), &json!(1.0))
    );
    assert_eq!(same["flipped"], json!({"count": 0, "images": []}));
}

#[actix_web::test]
async fn incomparable_evaluations_are_rejected_with_reason() {
    let (data, other) = (data_set(), data_set());
    put(other.path(), "test/sad/PrivateTest_5.png", &face("happy"));
    let copy = format!("--data=copy={}", data.path().display());
    let other = format!("--data=other={}", other.path().display());
    let app = spawn(&data, &[&copy, &other]);
    let whole = app.evaluate(&json!({"dataset": "faces"})).await;
    let public = app
        .evaluate(&json!({"dataset": "faces", "split": "PublicTest"}))
        .await;
    let private = app
        .evaluate(&json!({"dataset": "faces", "split": "PrivateTest"}))
        .await;
    let of_copy = app
        .evaluate(&json!({"dataset": "copy", "model": "tiny"}))
        .await;
    let of_other = app.evaluate(&json!({"dataset": "other"})).await;
    let part_of_other = app
        .evaluate(&json!({"dataset": "other", "split": "PublicTest"}))
        .await;

    // A split and the whole data set, and the same data under another name.
    assert_eq!(app.json(&path(&whole, &public)).await["images"], 3);
    assert_eq!(app.json(&path(&whole, &of_copy)).await["images"], 7);

    put(data.path(), "test/happy/PrivateTest_3.png", &face("sad"));
    let changed = app.evaluate(&json!({"dataset": "faces"})).await;
    for (a, b, status, code, detail) in [
        (
            &*public,
            &*private,
            409,
            "not_comparable",
            "no image in common",
        ),
        (
            &whole,
            &of_other,
            409,
            "not_comparable",
            "one evaluation is on `faces`, the other on `other`",
        ),
        (
            &whole,
            &part_of_other,
            409,
            "not_comparable",
            "one evaluation is on `faces`",
        ),
        (
            &whole,
            &changed,
            409,
            "not_comparable",
            "the test images of `faces` changed",
        ),
        (&whole, "nope", 404, "unknown_evaluation", "`nope`"),
        ("nope", &whole, 404, "unknown_evaluation", "`nope`"),
    ] {
        let body = assert_problem(app.get(&path(a, b)).await, status, code).await;
        assert!(body["detail"].as_str().unwrap().contains(detail), "{body}");
    }
    for query in ["", "?a=x", "?a=x&b=y&c=z"] {
        let response = app.get(&format!("/v1/evaluations/compare{query}")).await;
        assert_problem(response, 400, "invalid_request").await;
    }
    let delete = app
        .client
        .delete(app.url(&path(&whole, &public)))
        .send()
        .await
        .unwrap();
    assert_eq!(delete.headers()["allow"], "GET, HEAD");
    assert_problem(delete, 405, "method_not_allowed").await;
}

#[actix_web::test]
async fn unfinished_evaluation_is_not_compared() {
    let data = data_set();
    let app = spawn(&data, &STUCK);
    let location = app.start_evaluation(&json!({"dataset": "faces"})).await;
    let id = location.rsplit('/').next().unwrap();
    let body = assert_problem(app.get(&path(id, id)).await, 409, "conflict").await;
    assert!(
        body["detail"].as_str().unwrap().contains("has not ended"),
        "{body}"
    );
    send(app.client.delete(app.url(&location))).await;
    let body = assert_problem(app.get(&path(id, id)).await, 409, "conflict").await;
    assert!(
        body["detail"].as_str().unwrap().contains("was cancelled"),
        "{body}"
    );
}
