//! Promotions: a version beside the one that serves, evaluated, and then the traffic or the door.

mod command;
mod crash;
mod ends;
mod orders;
mod pins;
mod traffic;

use mien_faces::report::paired_difference;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    evaluations::{data_set, put},
    eventually::{TIMEOUT, eventually},
    helpers::{TestApp, face, install},
    lifecycle::{folder, models},
};

const FINAL: [&str; 4] = ["promoted", "rejected", "failed", "cancelled"];

/// Faces of which `tiny`, for whom all are disgusted, gets 4 of 10 right, and `small`, who knows the neutral one, 1.
fn faces() -> TempDir {
    let root = data_set();
    for copy in 0..3 {
        put(
            root.path(),
            &format!("test/disgust/PublicTest_{copy}_more.png"),
            &face("disgust"),
        );
    }
    root
}

/// A server of a models folder and the faces.
fn serve(root: &TempDir, data: &TempDir, flags: &[&str]) -> TestApp {
    let (models, data) = (
        folder(root),
        format!("--data=faces={}", data.path().display()),
    );
    TestApp::spawn_with(&[&[models.as_str(), data.as_str()], flags].concat())
}

impl TestApp {
    async fn order_promotion(&self, model: &str, order: &Value) -> Response {
        let path = format!("/v1/models/{model}/promotions");
        self.client
            .post(self.url(&path))
            .json(order)
            .send()
            .await
            .unwrap()
    }

    /// Orders a promotion that is taken; its path.
    async fn promotion(&self, model: &str, order: &Value) -> String {
        let response = self.order_promotion(model, order).await;
        assert_eq!(
            response.status(),
            StatusCode::ACCEPTED,
            "{}",
            response.text().await.unwrap()
        );
        let location = response.headers()["location"].to_str().unwrap().to_owned();
        let document: Value = response.json().await.unwrap();
        let id = document["id"].as_str().unwrap();
        assert_eq!(location, format!("/v1/models/{model}/promotions/{id}"));
        location
    }

    /// Waits until a promotion has a status.
    async fn until_promotion(&self, location: &str, status: &str) -> Value {
        eventually(TIMEOUT, &format!("{location} is {status}"), async || {
            let document = self.json(location).await;
            if document["status"] == status {
                return Some(document);
            }
            let now = document["status"].as_str().unwrap();
            assert!(!FINAL.contains(&now), "not {status}: {document}");
            None
        })
        .await
    }

    /// Orders a promotion and waits for its end.
    pub(crate) async fn promoted(&self, model: &str, order: &Value, status: &str) -> Value {
        let location = self.promotion(model, order).await;
        self.until_promotion(&location, status).await
    }

    async fn outcomes(&self, model: &str) -> Vec<f64> {
        let mut counts = Vec::new();
        for outcome in FINAL {
            let series =
                format!("mien_promotions_total{{model=\"{model}\",outcome=\"{outcome}\"}}");
            counts.push(self.metric(&series).await);
        }
        counts
    }
}

#[actix_web::test]
async fn a_version_that_passes_takes_the_traffic() {
    let (root, data) = (models(&[("m", "1", "small"), ("n", "1", "keras")]), faces());
    let app = serve(&root, &data, &["--default-model=m"]);
    assert_eq!(app.outcomes("m").await, [0.0; 4]);
    install(root.path(), "m", "2", "tiny");
    let order = json!({"version": "2", "dataset": "faces", "min_accuracy": 0.4});
    let request = app
        .client
        .post(app.url("/v1/models/m/promotions"))
        .json(&order);
    let taken = request
        .header("x-request-id", "who-asked")
        .send()
        .await
        .unwrap();
    let location = taken.headers()["location"].to_str().unwrap().to_owned();
    let mut document = app.until_promotion(&location, "promoted").await;

    assert_eq!(app.version("").await, "2");
    assert_eq!(app.version("?model=m").await, "2");
    let model = app.json("/v1/models/m").await;
    assert_eq!(
        (&model["serving"], &model["pinned"]),
        (&json!("2"), &json!("2"))
    );
    app.until_versions("m", &["1 unloaded", "2 ready"]).await;
    assert_eq!(document["sha256"], model["versions"][1]["sha256"]);
    assert_eq!(app.outcomes("m").await, [1.0, 0.0, 0.0, 0.0]);
    assert_eq!(app.outcomes("n").await, [0.0; 4]);

    let id = document["evaluation"].as_str().unwrap().to_owned();
    let evaluation = app.json(&format!("/v1/evaluations/{id}")).await;
    assert_eq!(
        evaluation["report"]["accuracy"],
        document["result"]["candidate"]["accuracy"]
    );
    let head = ["model", "version", "dataset", "split", "request_id"];
    assert_eq!(
        head.map(|key| &evaluation[key]),
        head.map(|key| &document[key])
    );
    let list = app.json("/v1/models/m/promotions").await;
    assert_eq!(list, json!({"promotions": [document.clone()]}));
    assert_eq!(
        app.json("/v1/models/n/promotions").await,
        json!({"promotions": []})
    );

    for key in ["id", "sha256", "evaluation", "created", "finished"] {
        assert!(document[key].is_string(), "{document}");
        document[key] = json!(format!("[{key}]"));
    }
    document["result"]["candidate"]["evaluation"] = json!("[evaluation]");
    insta::assert_json_snapshot!(document);
}

#[actix_web::test]
async fn a_version_that_falls_short_is_unloaded_and_the_answer_says_by_how_much() {
    let (root, data) = (models(&[("m", "1", "small"), ("m", "2", "tiny")]), faces());
    let app = serve(&root, &data, &["--version-policy=1"]);
    let order = json!({"version": 2, "dataset": "faces", "min_accuracy": 0.5});
    let document = app.promoted("m", &order, "rejected").await;
    let result = &document["result"];
    assert_eq!(result["candidate"]["accuracy"], 0.4);
    assert_eq!(
        json!([result["passed"], result["required"], result["actual"]]),
        json!([false, 0.5, 0.4])
    );
    assert!(
        (result["shortfall"].as_f64().unwrap() - 0.1).abs() < 1e-9,
        "{document}"
    );
    assert_eq!(
        document["reason"],
        "40.00 % of 10 images are correct: 10.00 points below the minimum of 50.00 %"
    );
    assert_eq!(app.version("").await, "1");
    app.until_versions("m", &["1 ready", "2 unloaded"]).await;
    assert_eq!(app.outcomes("m").await, [0.0, 1.0, 0.0, 0.0]);
}

#[actix_web::test]
async fn a_part_of_the_images_decides_nothing() {
    let (root, data) = (models(&[("m", "1", "small"), ("m", "2", "tiny")]), faces());
    put(data.path(), "test/sad/broken.png", b"nonsense");
    let app = serve(&root, &data, &["--version-policy=1"]);
    let order = json!({"version": 2, "dataset": "faces", "min_accuracy": 0.0});
    let document = app.promoted("m", &order, "failed").await;
    let reason = document["reason"].as_str().unwrap();
    assert!(reason.contains("1 of 11 images cannot be read"), "{reason}");
    assert_eq!(app.version("").await, "1");
}

#[actix_web::test]
async fn non_inferiority_uses_paired_interval() {
    let (root, data) = (models(&[("m", "1", "small"), ("m", "2", "tiny")]), faces());
    let app = serve(&root, &data, &["--version-policy=1"]);
    // Of 10 images only the old one has 1 right, only the new one 4.
    let [low, high] = paired_difference(0, 1, 4, 5).unwrap();
    assert!(-0.5 < low && low < 0.0, "{low}");
    let order = |margin: f64| json!({"version": "2", "dataset": "faces", "max_regression": margin});
    let document = app.promoted("m", &order(0.0), "rejected").await;
    let result = &document["result"];
    let interval = &result["difference_interval"];
    for (found, expected) in [
        (&interval[0], low),
        (&interval[1], high),
        (&result["required"], 0.0),
        (&result["actual"], low),
        (&result["shortfall"], -low),
        (&result["difference"], 0.3),
    ] {
        assert!(
            (found.as_f64().unwrap() - expected).abs() < 1e-12,
            "{expected}: {result}"
        );
    }
    assert_eq!(
        (
            &result["baseline"]["version"],
            &document["baseline_version"]
        ),
        (&json!("1"), &json!("1"))
    );
    assert_eq!(result["baseline"]["correct"], 1);
    assert_eq!(document["images"], json!({"done": 20, "total": 20}));
    let reason = document["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("+30.00 points compared with version 1 on 10 images"),
        "{reason}"
    );
    assert!(
        reason.contains("exceeds the maximum regression of 0.00 points by "),
        "{reason}"
    );

    // One from before it was loaded anew is not used: another mien.toml may stand beside the file.
    assert_eq!(app.load("m").await.status(), 200);
    let anew = app.promoted("m", &order(0.0), "rejected").await;
    assert_ne!(anew["baseline_evaluation"], document["baseline_evaluation"]);
    let document = anew;

    // What is known of the serving version as it is loaded is not evaluated again, not for fewer images either.
    let kept = &document["baseline_evaluation"];
    let mut fewer = order(1.0);
    fewer["limit"] = json!(5);
    let second = app.promoted("m", &fewer, "promoted").await;
    assert_eq!(&second["baseline_evaluation"], kept);
    assert_eq!(second["images"], json!({"done": 5, "total": 5}));
    assert_eq!(second["result"]["baseline"]["total"], 5);
    assert_eq!(app.version("").await, "2");

    // The other way round, against the one that does not serve: what is kept of other data is not taken.
    put(
        data.path(),
        "test/neutral/PublicTest_new.png",
        &face("neutral"),
    );
    let app = serve(&root, &data, &["--version-policy=all"]);
    let back =
        json!({"version": "1", "dataset": "faces", "max_regression": 1, "baseline_version": "2"});
    let document = app.promoted("m", &back, "promoted").await;
    assert_ne!(&document["baseline_evaluation"], kept);
    assert_eq!(document["result"]["baseline"]["total"], 11);
    assert_eq!(app.version("").await, "1");
}
