//! `/v1/models/{name}/promotions`.

mod command;
mod crash;
mod criteria;
mod ends;
mod groups;
mod invalid;
mod pins;
mod rollout;
mod traffic;

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    evaluations::{data_set, put},
    eventually::{TIMEOUT, eventually},
    helpers::{TestApp, face, install},
    lifecycle::{models_dir, models_flag},
};

const FINAL: [&str; 4] = ["promoted", "rejected", "failed", "cancelled"];

/// Ten faces. `tiny` predicts disgust for all of them and is correct for 4; `small` is correct for 1, the neutral one.
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

/// Starts a server with a repository and a data set.
fn serve(root: &TempDir, data: &TempDir, flags: &[&str]) -> TestApp {
    let (models, data) = (
        models_flag(root),
        format!("--data=faces={}", data.path().display()),
    );
    TestApp::spawn_with(&[&[models.as_str(), data.as_str()], flags].concat())
}

impl TestApp {
    async fn post_promotion(&self, model: &str, spec: &Value) -> Response {
        let path = format!("/v1/models/{model}/promotions");
        self.client
            .post(self.url(&path))
            .json(spec)
            .send()
            .await
            .unwrap()
    }

    /// Starts a promotion and returns its path.
    async fn start_promotion(&self, model: &str, spec: &Value) -> String {
        let response = self.post_promotion(model, spec).await;
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

    /// Starts a promotion and waits for its end.
    pub(crate) async fn promote(&self, model: &str, spec: &Value, status: &str) -> Value {
        let location = self.start_promotion(model, spec).await;
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
async fn passing_version_serves_traffic() {
    let (root, data) = (
        models_dir(&[("m", "1", "small"), ("n", "1", "keras")]),
        faces(),
    );
    let app = serve(&root, &data, &["--default-model=m"]);
    assert_eq!(app.outcomes("m").await, [0.0; 4]);
    install(root.path(), "m", "2", "tiny");
    let spec = json!({"version": "2", "dataset": "faces", "min_accuracy": 0.4});
    let request = app
        .client
        .post(app.url("/v1/models/m/promotions"))
        .json(&spec);
    let accepted = request
        .header("x-request-id", "my-request")
        .send()
        .await
        .unwrap();
    let location = accepted.headers()["location"].to_str().unwrap().to_owned();
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
