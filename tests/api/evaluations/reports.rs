//! The reports of evaluations.

use serde_json::{Value, json};

use super::{LABELS, data_set, expected, put, spawn};
use crate::helpers::{TestApp, face, send};

impl TestApp {
    async fn report(&self, request: &Value) -> Value {
        let location = self.start_evaluation(request).await;
        self.until_evaluation(&location, "succeeded").await["report"].clone()
    }
}

#[actix_web::test]
async fn null_fields_select_defaults() {
    let data = data_set();
    let app = spawn(&data, &[]);
    let request =
        json!({"dataset": "faces", "split": null, "model": null, "version": null, "limit": null});
    let location = app.start_evaluation(&request).await;
    let document = app.until_evaluation(&location, "succeeded").await;
    let head = ["version", "split", "limit"].map(|key| &document[key]);
    assert_eq!(json!(head), json!(["1", "test", null]));
}

#[actix_web::test]
async fn report_equals_single_classifications() {
    let data = data_set();
    let app = spawn(&data, &[]);
    for model in ["small", "tiny", "keras"] {
        let location = app
            .start_evaluation(&json!({"dataset": "faces", "model": model}))
            .await;
        let document = app.until_evaluation(&location, "succeeded").await;
        let head = ["model", "version", "dataset", "split", "limit"].map(|key| &document[key]);
        assert_eq!(json!(head), json!([model, "1", "faces", "test", null]));
        assert_eq!(document["images"], json!({"done": 7, "total": 7}));

        let mut confusion = vec![vec![0; 7]; 7];
        for (truth, label) in LABELS.iter().enumerate() {
            let (status, body) = send(app.classify(&format!("?model={model}"), face(label))).await;
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
async fn evaluation_has_documented_shape() {
    let data = data_set();
    let app = spawn(&data, &[]);
    let location = app.start_evaluation(&json!({"dataset": "faces"})).await;
    let document = app.until_evaluation(&location, "succeeded").await;
    insta::assert_json_snapshot!(document, {
        ".id" => "[id]", ".request_id" => "[id]", ".created" => "[time]", ".started" => "[time]",
        ".finished" => "[time]", ".report.seconds" => "[seconds]", ".report.images_per_second" => "[rate]",
        ".report.log_loss" => insta::rounded_redaction(4),
        ".report.brier" => insta::rounded_redaction(4),
        ".report.groups[].groups[].range[]" => insta::rounded_redaction(1),
        ".report.groups[].groups[].interval[]" => insta::rounded_redaction(4),
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
async fn report_counts_files_that_are_not_listed() {
    let data = data_set();
    put(data.path(), "test/sad/notes.txt", b"text");
    put(data.path(), "validation/sad/a.png", &face("sad"));
    let app = spawn(&data, &[]);
    let report = app.report(&json!({"dataset": "faces"})).await;
    assert_eq!(
        report["left_out"],
        json!({"files": {"txt": 1}, "directories": ["validation"], "group_rows": 0})
    );
}

#[actix_web::test]
async fn partial_evaluation_does_not_set_accuracy_metric() {
    let data = data_set();
    let app = spawn(&data, &[]);
    for (spec, total) in [
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
        assert_eq!(app.report(&spec).await["total"], total, "{spec}");
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
async fn unreadable_images_are_listed_and_not_scored() {
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
        .start_evaluation(&json!({"dataset": "faces", "split": "train"}))
        .await;
    let document = app.until_evaluation(&location, "failed").await;
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
async fn names_of_images_are_not_cached() {
    let data = data_set();
    let app = spawn(&data, &[]);
    let location = app.start_evaluation(&json!({"dataset": "faces"})).await;
    app.until_evaluation(&location, "succeeded").await;
    let id = location.rsplit('/').next().unwrap();
    for path in [
        "/v1/datasets".to_owned(),
        "/v1/evaluations".to_owned(),
        "/v1/evaluations?version=none".to_owned(),
        format!("/v1/evaluations/compare?a={id}&b={id}"),
        location.clone(),
        format!("{location}/predictions"),
        format!("{location}/report?format=html"),
        format!("{location}/report?format=markdown"),
        format!("{location}/report?format=json"),
    ] {
        let response = app.get(&path).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["cache-control"], "no-store", "{path}");
    }
}
