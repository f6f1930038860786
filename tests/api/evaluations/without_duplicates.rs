//! Scores without copies of training faces.

use std::fs;

use mien_faces::image::{Limits, decode};
use serde_json::{Value, json};

use super::{data_set, put, spawn};
use crate::helpers::{face, send};

#[actix_web::test]
async fn second_score_excludes_copies_of_training_faces() {
    let data = data_set();
    // A face that is labelled happy in train and sad in test, and one that has the same pixels but other bytes.
    let written = decode(&face("happy"), &Limits::default())
        .unwrap()
        .to_face(48)
        .png();
    assert_ne!(written, face("happy"));
    put(data.path(), "test/sad/PublicTest_9.png", &written);
    let app = spawn(&data, &[]);
    let report = async |spec: Value| {
        let id = app.evaluate(&spec).await;
        app.json(&format!("/v1/evaluations/{id}")).await["report"].clone()
    };
    let whole = report(json!({"dataset": "faces", "model": "tiny"})).await;
    let without = &whole["without_duplicates"];
    assert_eq!((&whole["total"], &without["total"]), (&json!(8), &json!(6)));
    assert_eq!(without["removed"], 2);
    let (all, rest) = (
        whole["correct"].as_u64().unwrap(),
        without["correct"].as_u64().unwrap(),
    );
    let of_copies = async |label: &str| {
        let (_, body) = send(app.classify("?model=tiny", face("happy"))).await;
        u64::from(body["predictions"][0]["label"] == label)
    };
    assert_eq!(
        all - rest,
        of_copies("happy").await + of_copies("sad").await
    );
    assert_eq!(without["interval"].as_array().unwrap().len(), 2);

    let public = report(json!({"dataset": "faces", "split": "PublicTest"})).await;
    assert_eq!(public["without_duplicates"]["removed"], 1);
    let train = report(json!({"dataset": "faces", "split": "train"})).await;
    assert!(train.get("without_duplicates").is_none(), "{train}");
}

#[actix_web::test]
async fn data_set_without_train_has_one_score() {
    let data = data_set();
    fs::remove_dir_all(data.path().join("train")).unwrap();
    let app = spawn(&data, &[]);
    let id = app.evaluate(&json!({"dataset": "faces"})).await;
    let report = &app.json(&format!("/v1/evaluations/{id}")).await["report"];
    assert!(report.get("without_duplicates").is_none(), "{report}");
    let mistakes = report["mistakes"].as_array().unwrap();
    assert_eq!(
        mistakes.len() as u64,
        report["total"].as_u64().unwrap() - report["correct"].as_u64().unwrap()
    );
    for mistake in mistakes {
        let face = format!(
            "/v1/datasets/faces/images/{}",
            mistake["image"].as_str().unwrap()
        );
        assert_eq!(app.get(&face).await.status(), 200);
        assert!(
            mistake["name"]
                .as_str()
                .unwrap()
                .contains(mistake["label"].as_str().unwrap())
        );
    }
}
