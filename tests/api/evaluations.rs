//! `/v1/evaluations`: reports that equal what the model answers one by one, progress, cancel, errors.

use std::{fs, path::Path, time::Duration};

use mien::startup::Application;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    eventually::{TIMEOUT, eventually},
    helpers::{TestApp, answer, assert_problem, face, fixture, settings},
};

pub(crate) const LABELS: [&str; 7] = [
    "angry", "disgust", "fear", "happy", "neutral", "sad", "surprise",
];

/// A data set of the fixture faces: the test folder has each once, three of them from `PublicTest`.
pub(crate) fn data_set() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (index, label) in LABELS.iter().enumerate() {
        let usage = if index < 3 {
            "PublicTest"
        } else {
            "PrivateTest"
        };
        put(
            root.path(),
            &format!("test/{label}/{usage}_{index}.png"),
            &face(label),
        );
    }
    put(root.path(), "train/happy/Training_0.png", &face("happy"));
    root
}

pub(crate) fn put(root: &Path, name: &str, bytes: &[u8]) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// The label that ONNX Runtime's Python package gives a face.
pub(crate) fn expected(model: &str, class: &str) -> String {
    let text = fs::read_to_string(fixture("expected.json")).unwrap();
    let answers: Value = serde_json::from_str(&text).unwrap();
    answers[model][class]["label"]
        .as_str()
        .unwrap()
        .to_lowercase()
}

pub(crate) fn spawn(data: &TempDir, flags: &[&str]) -> TestApp {
    let source = format!("--data=faces={}", data.path().display());
    TestApp::spawn_with(&[&[source.as_str()], flags].concat())
}

impl TestApp {
    pub(crate) async fn order(&self, order: &Value) -> Response {
        self.client
            .post(self.url("/v1/evaluations"))
            .json(order)
            .send()
            .await
            .unwrap()
    }

    /// Orders an evaluation that is taken; its path.
    pub(crate) async fn ordered(&self, order: &Value) -> String {
        let response = self.order(order).await;
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        let location = response.headers()["location"].to_str().unwrap().to_owned();
        let document: Value = response.json().await.unwrap();
        assert_eq!(
            location,
            format!("/v1/evaluations/{}", document["id"].as_str().unwrap())
        );
        location
    }

    /// Waits until an evaluation has a status.
    pub(crate) async fn status(&self, location: &str, status: &str) -> Value {
        eventually(TIMEOUT, &format!("{location} is {status}"), async || {
            let document = self.json(location).await;
            if document["status"] == status {
                return Some(document);
            }
            let is_final = ["succeeded", "failed", "cancelled"].map(Value::from);
            assert!(
                !is_final.contains(&document["status"]),
                "not {status}: {document}"
            );
            None
        })
        .await
    }

    async fn report(&self, order: &Value) -> Value {
        let location = self.ordered(order).await;
        self.status(&location, "succeeded").await["report"].clone()
    }
}

#[actix_web::test]
async fn a_report_is_what_the_model_answers_one_by_one() {
    let data = data_set();
    let app = spawn(&data, &[]);
    for model in ["small", "tiny", "keras"] {
        let location = app
            .ordered(&json!({"dataset": "faces", "model": model}))
            .await;
        let document = app.status(&location, "succeeded").await;
        let head = ["model", "version", "dataset", "split", "limit"].map(|key| &document[key]);
        assert_eq!(json!(head), json!([model, "1", "faces", "test", null]));
        assert_eq!(document["images"], json!({"done": 7, "total": 7}));

        let mut confusion = vec![vec![0; 7]; 7];
        for (truth, label) in LABELS.iter().enumerate() {
            let (status, body) =
                answer(app.classify(&format!("?model={model}"), face(label))).await;
            assert_eq!(status, 200, "{body}");
            let served = body["predictions"][0]["label"]
                .as_str()
                .unwrap()
                .to_lowercase();
            assert_eq!(served, expected(model, label), "{model} {label}");
            confusion[truth][LABELS.iter().position(|l| *l == served).unwrap()] += 1;
        }
        let report = &document["report"];
        assert_eq!(report["confusion"], json!(confusion), "{model}");
        let correct =
            |classes: std::ops::Range<usize>| classes.map(|i| confusion[i][i]).sum::<i32>();
        assert_eq!(
            (&report["total"], &report["correct"]),
            (&json!(7), &json!(correct(0..7)))
        );
        let accuracy = f64::from(correct(0..7)) / 7.0;
        assert_eq!(report["accuracy"], json!(accuracy));
        for (split, classes) in [("PublicTest", 0..3), ("PrivateTest", 3..7)] {
            let score = &report["splits"][split];
            assert_eq!(score["total"], json!(classes.len()));
            assert_eq!(score["correct"], json!(correct(classes)), "{model} {split}");
        }
        assert_eq!(report["unreadable"], json!({"count": 0, "images": []}));
        assert!(
            report["images_per_second"].as_f64().unwrap() > 0.0,
            "{report}"
        );
        let series = format!(
            "mien_evaluation_accuracy{{dataset=\"faces\",model=\"{model}\",split=\"test\",version=\"1\"}}"
        );
        assert_eq!(app.metric(&series).await, accuracy);
    }
}

#[actix_web::test]
async fn the_document_has_its_shape() {
    let data = data_set();
    let app = spawn(&data, &[]);
    let location = app.ordered(&json!({"dataset": "faces"})).await;
    let document = app.status(&location, "succeeded").await;
    insta::assert_json_snapshot!(document, {
        ".id" => "[id]", ".request_id" => "[id]", ".created" => "[time]", ".started" => "[time]",
        ".finished" => "[time]", ".report.seconds" => "[seconds]", ".report.images_per_second" => "[rate]",
        ".report.log_loss" => insta::rounded_redaction(4),
        ".report.brier" => insta::rounded_redaction(4),
        ".report.mistakes[].confidence" => insta::rounded_redaction(4),
        ".report.calibration.bins[].confidence" => insta::rounded_redaction(4),
        ".report.calibration.bins[].lower" => insta::rounded_redaction(4),
        ".report.calibration.bins[].upper" => insta::rounded_redaction(4),
        ".report.expected_calibration_error" => insta::rounded_redaction(4),
    });
    let list = app.json("/v1/evaluations").await;
    let listed = &list["evaluations"][0];
    insta::assert_json_snapshot!(listed, {
        ".id" => "[id]", ".request_id" => "[id]", ".created" => "[time]", ".started" => "[time]",
        ".finished" => "[time]", ".report.seconds" => "[seconds]", ".report.images_per_second" => "[rate]",
        ".report.log_loss" => insta::rounded_redaction(4), ".report.brier" => insta::rounded_redaction(4),
        ".report.expected_calibration_error" => insta::rounded_redaction(4),
    });
    for (key, value) in listed["report"].as_object().unwrap() {
        assert_eq!(value, &document["report"][key], "{key}");
    }
}

#[actix_web::test]
async fn a_split_or_a_limit_takes_a_part_and_sets_no_accuracy_of_the_whole() {
    let data = data_set();
    let app = spawn(&data, &[]);
    for (order, total) in [
        (json!({"dataset": "faces", "split": "PublicTest"}), 3),
        (
            json!({"dataset": "faces", "split": "PrivateTest", "version": "1", "model": "small"}),
            4,
        ),
        (
            json!({"dataset": "faces", "split": "train", "version": 1, "model": "small"}),
            1,
        ),
        (json!({"dataset": "faces", "limit": 5}), 5),
    ] {
        assert_eq!(app.report(&order).await["total"], total, "{order}");
    }
    let supports = async || {
        let report = app.report(&json!({"dataset": "faces", "limit": 4})).await;
        let supports = report["classes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["support"].clone());
        supports.collect::<Vec<_>>()
    };
    assert_eq!(supports().await, supports().await);
    let metrics = app.get("/metrics").await.text().await.unwrap();
    assert!(
        metrics.contains("mien_evaluation_accuracy") && metrics.contains("split=\"PublicTest\"")
    );
    assert!(!metrics.contains("split=\"test\""), "{metrics}");
}

#[actix_web::test]
async fn images_that_cannot_be_read_are_named_and_in_no_score() {
    let data = data_set();
    let whole = face("sad");
    put(data.path(), "test/sad/cut.png", &whole[..whole.len() / 2]);
    put(data.path(), "train/happy/Training_0.png", b"nonsense");
    let app = spawn(&data, &[]);
    let report = app.report(&json!({"dataset": "faces"})).await;
    assert_eq!(report["total"], 7);
    let cut =
        json!({"name": "test/sad/cut.png", "detail": "invalid PNG image: the file is truncated"});
    assert_eq!(report["unreadable"], json!({"count": 1, "images": [cut]}));

    let location = app
        .ordered(&json!({"dataset": "faces", "split": "train"}))
        .await;
    let document = app.status(&location, "failed").await;
    let error = document["error"].as_str().unwrap();
    assert!(
        error.contains("none of the 1 images") && error.contains("Training_0.png"),
        "{error}"
    );
    let leak = data.path().to_str().unwrap();
    assert!(
        document["report"].is_null() && !document.to_string().contains(leak),
        "{document}"
    );
}

#[actix_web::test]
async fn what_cannot_be_evaluated_is_refused() {
    let data = data_set();
    fs::remove_dir_all(data.path().join("train")).unwrap();
    let models = tempfile::tempdir().unwrap();
    for (name, labels) in [("moods", "good bad so la ti do re"), ("small", "")] {
        let folder = models.path().join(name).join("1");
        fs::create_dir_all(&folder).unwrap();
        fs::copy(
            fixture("models/small/1/model.onnx"),
            folder.join("model.onnx"),
        )
        .unwrap();
        if !labels.is_empty() {
            let labels: Vec<&str> = labels.split(' ').collect();
            fs::write(folder.join("mien.toml"), format!("labels = {labels:?}")).unwrap();
        }
    }
    let app = spawn(
        &data,
        &[
            &format!("--models={}", models.path().display()),
            "--default-model=small",
        ],
    );
    for (order, status, code, detail) in [
        (
            json!({"dataset": "nope"}),
            404,
            "unknown_dataset",
            "configured: faces",
        ),
        (
            json!({"dataset": "../faces"}),
            404,
            "unknown_dataset",
            "unknown data set",
        ),
        (
            json!({"dataset": "faces", "model": "nope"}),
            404,
            "unknown_model",
            "nope",
        ),
        (
            json!({"dataset": "faces", "version": "7"}),
            404,
            "unknown_version",
            "7",
        ),
        (
            json!({"dataset": "faces", "version": 7}),
            404,
            "unknown_version",
            "7",
        ),
        (
            json!({"dataset": "faces", "version": []}),
            400,
            "invalid_request",
            "a string or a number",
        ),
        (
            json!({"dataset": "faces", "model": "moods"}),
            400,
            "invalid_request",
            "good, bad, so",
        ),
        (
            json!({"dataset": "faces", "split": "train"}),
            400,
            "invalid_request",
            "no train images",
        ),
        (
            json!({"dataset": "faces", "split": "dev"}),
            400,
            "invalid_request",
            "PublicTest",
        ),
        (
            json!({"dataset": "faces", "limit": 0}),
            400,
            "invalid_request",
            "nonzero",
        ),
        (
            json!({"dataset": "faces", "sample": 3}),
            400,
            "invalid_request",
            "sample",
        ),
        (json!({"split": "test"}), 400, "invalid_request", "dataset"),
    ] {
        let body = assert_problem(app.order(&order).await, status, code).await;
        assert!(
            body["detail"].as_str().unwrap().contains(detail),
            "{order}: {body}"
        );
    }
    let post = || app.client.post(app.url("/v1/evaluations"));
    let json = post().header("content-type", "application/json").body("{");
    assert_problem(json.send().await.unwrap(), 400, "invalid_request").await;
    let text = post()
        .header("content-type", "text/plain")
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_problem(text, 415, "unsupported_media_type").await;
    assert_problem(
        app.get("/v1/evaluations/nope").await,
        404,
        "unknown_evaluation",
    )
    .await;
    for (method, path, allow) in [
        ("DELETE", "/v1/evaluations", "GET, HEAD, POST"),
        ("POST", "/v1/evaluations/nope", "GET, HEAD, DELETE"),
    ] {
        let response = app
            .client
            .request(method.parse().unwrap(), app.url(path))
            .send()
            .await
            .unwrap();
        assert_eq!(response.headers()["allow"], allow);
        assert_problem(response, 405, "method_not_allowed").await;
    }
    let delete = app
        .client
        .delete(app.url("/v1/evaluations/nope"))
        .send()
        .await
        .unwrap();
    assert_problem(delete, 404, "unknown_evaluation").await;

    let bare = TestApp::spawn();
    let body = assert_problem(
        bare.order(&json!({"dataset": "faces"})).await,
        404,
        "unknown_dataset",
    );
    assert!(
        body.await["detail"]
            .as_str()
            .unwrap()
            .contains("--data NAME=DIR")
    );
}

/// With this the workers wait for a batch that never fills up: an evaluation runs until it is cancelled.
pub(crate) const STUCK: [&str; 2] = ["--max-queue-delay=1h", "--max-batch=32"];

#[actix_web::test]
async fn several_run_at_once_the_next_ones_wait_and_each_can_be_cancelled() {
    let data = data_set();
    let app = spawn(&data, &STUCK);
    let order = json!({"dataset": "faces"});
    let first = app.ordered(&order).await;
    let second = app.ordered(&order).await;
    let third = app.ordered(&order).await;
    app.status(&first, "running").await;
    app.status(&second, "running").await;
    app.until("mien_queue_images{model=\"small\"}", 14.0).await;
    assert_eq!(app.json(&third).await["status"], "queued");

    let delete = async |location: &str| answer(app.client.delete(app.url(location))).await;
    let (status, document) = delete(&first).await;
    assert_eq!((status, &document["status"]), (200, &json!("cancelled")));
    assert_eq!(document["images"], json!({"done": 0, "total": 7}));
    assert!(
        document["report"].is_null() && document["error"].is_null(),
        "{document}"
    );
    app.status(&third, "running").await;
    assert_eq!(delete(&third).await.1["status"], "cancelled");
    assert_eq!(delete(&third).await, (200, app.json(&third).await));
    assert_eq!(app.json(&second).await["status"], "running");
    let listed = app.json("/v1/evaluations").await;
    let statuses = [0, 1, 2].map(|index| listed["evaluations"][index]["status"].clone());
    assert_eq!(
        statuses,
        ["cancelled", "running", "cancelled"].map(Value::from)
    );
}

#[actix_web::test]
async fn no_more_are_taken_than_can_wait() {
    let data = data_set();
    let app = spawn(&data, &STUCK);
    let order = json!({"dataset": "faces", "limit": 1});
    for _ in 0..16 {
        app.ordered(&order).await;
    }
    let refused = app.order(&order).await;
    assert!(refused.headers().contains_key("retry-after"));
    assert_problem(refused, 503, "overloaded").await;
    let last = app.json("/v1/evaluations").await["evaluations"][0]["id"].clone();
    let last = format!("/v1/evaluations/{}", last.as_str().unwrap());
    app.client.delete(app.url(&last)).send().await.unwrap();
    app.ordered(&order).await;
}

#[actix_web::test]
async fn the_end_of_the_server_cancels() {
    let data = data_set();
    let source = format!("--data=faces={}", data.path().display());
    let mut settings = settings(&[STUCK[0], STUCK[1], &source]);
    settings.drain.drain_delay = Duration::from_secs(3600);
    let application = Application::build(&settings).unwrap();
    let mut app = TestApp::run(application);
    let running = app.ordered(&json!({"dataset": "faces"})).await;
    app.status(&running, "running").await;
    app.stop();
    app.status(&running, "cancelled").await;
    assert_problem(
        app.order(&json!({"dataset": "faces"})).await,
        503,
        "shutting_down",
    )
    .await;
}

#[actix_web::test]
async fn a_data_set_that_is_none_stops_the_start() {
    let empty = tempfile::tempdir().unwrap();
    let source = format!("--data=faces={}", empty.path().display());
    let error = Application::build(&settings(&[&source]))
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("is not a data set; expected the directories"),
        "{error}"
    );
}
