//! The files that `mien evaluate` writes, and `mien compare`, which reads them.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};

use super::{json_of, mien, stdout};
use crate::{
    evaluations::{data_set, spawn},
    helpers::TestApp,
};

fn compare(directory: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mien"));
    command
        .current_dir(directory)
        .arg("compare")
        .args(words)
        .output()
        .unwrap()
}

/// Evaluates a model on a data set and writes its predictions to a directory.
fn predictions(data: &Path, directory: &Path, model: &str) {
    let (data, file) = (
        data.to_str().unwrap(),
        directory.join(format!("{model}.csv")),
    );
    let output = mien(&[
        "evaluate",
        "--data",
        data,
        "--model",
        model,
        "--csv",
        file.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn evaluate_writes_requested_files() {
    let (data, directory) = (data_set(), tempfile::tempdir().unwrap());
    let root = data.path().to_str().unwrap();
    let files =
        ["report.html", "report.md", "predictions.csv"].map(|name| directory.path().join(name));
    let [html, markdown, csv] = files.each_ref().map(|file| file.to_str().unwrap());
    fs::write(csv, "an older file").unwrap();
    let output = mien(&[
        "evaluate",
        "--data",
        root,
        "--json",
        "--html",
        html,
        "--markdown",
        markdown,
        "--csv",
        csv,
    ]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let body = json_of(&output);

    let [html, markdown, csv] = files.map(|file| fs::read_to_string(file).unwrap());
    let mistakes = body["report"]["mistakes"].as_array().unwrap().len();
    assert_eq!(
        html.matches("<img src=\"data:image/png;base64,").count(),
        mistakes
    );
    for key in ["sha256", "dataset_sha256"] {
        let hash = body[key].as_str().unwrap();
        assert!(html.contains(hash) && markdown.contains(hash), "{key}");
    }
    assert!(markdown.starts_with("# small@1 on "), "{markdown}");
    assert_eq!(csv.lines().count(), 8, "{csv}");
    assert!(csv.starts_with("image,name,usage,label,"), "{csv}");
    assert_eq!(
        fs::read_dir(directory.path()).unwrap().count(),
        3,
        "temporary files are removed"
    );
}

#[test]
fn unwritable_file_fails_before_evaluation() {
    let (data, directory) = (data_set(), tempfile::tempdir().unwrap());
    let root = data.path().to_str().unwrap();
    let nowhere = directory.path().join("nowhere/report.html");
    let output = mien(&[
        "evaluate",
        "--data",
        root,
        "--html",
        nowhere.to_str().unwrap(),
    ]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        (output.status.code(), output.stdout.len()),
        (Some(1), 0),
        "{error}"
    );
    assert!(
        error.contains("nowhere/report.html") && error.contains("directory exists"),
        "{error}"
    );
}

#[actix_web::test]
async fn compare_equals_server_comparison() {
    let (data, directory) = (data_set(), tempfile::tempdir().unwrap());
    let app = spawn(&data, &[]);
    let mut ids = Vec::new();
    for model in ["keras", "small"] {
        predictions(data.path(), directory.path(), model);
        ids.push(
            app.evaluate(&json!({"dataset": "faces", "model": model}))
                .await,
        );
    }
    let output = compare(directory.path(), &["keras.csv", "small.csv", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let mut compared = json_of(&output);
    let mut served = server_comparison(&app, &ids).await;
    let take =
        |document: &mut Value, key: &str| document.as_object_mut().unwrap().remove(key).unwrap();
    assert_eq!(take(&mut compared, "file_a"), "keras.csv");
    assert_eq!(take(&mut compared, "file_b"), "small.csv");
    for key in ["evaluation_a", "evaluation_b"] {
        take(&mut served, key);
    }
    assert_eq!(rounded(compared), rounded(served));

    // `mien compare` also reads the predictions of the server.
    let path = format!("/v1/evaluations/{}/predictions", ids[1]);
    let lines = app.get(&path).await.bytes().await.unwrap();
    fs::write(directory.path().join("served.csv"), lines).unwrap();
    let output = compare(directory.path(), &["small.csv", "served.csv"]);
    assert!(
        stdout(&output).contains("All predictions are equal."),
        "{output:?}"
    );
}

async fn server_comparison(app: &TestApp, ids: &[String]) -> Value {
    app.json(&format!(
        "/v1/evaluations/compare?a={}&b={}",
        ids[0], ids[1]
    ))
    .await
}

/// Rounds the confidences, because their last digits depend on the batch size.
fn rounded(mut comparison: Value) -> Value {
    for flip in comparison["flipped"]["images"].as_array_mut().unwrap() {
        for key in ["confidence_a", "confidence_b"] {
            flip[key] = json!(format!("{:.4}", flip[key].as_f64().unwrap()));
        }
    }
    comparison
}

#[test]
fn compare_prints_table_and_writes_reports() {
    let (data, directory) = (data_set(), tempfile::tempdir().unwrap());
    for model in ["keras", "small"] {
        predictions(data.path(), directory.path(), model);
    }
    let words = [
        "keras.csv",
        "small.csv",
        "--html",
        "c.html",
        "--markdown",
        "c.md",
    ];
    let output = compare(directory.path(), &words);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    insta::assert_snapshot!(stdout(&output));
    let [html, markdown] =
        ["c.html", "c.md"].map(|name| fs::read_to_string(directory.path().join(name)).unwrap());
    assert!(
        html.contains("test/sad/PrivateTest_5.png") && !html.contains("<img"),
        "{html}"
    );
    assert!(
        markdown.starts_with("# A: keras.csv, B: small.csv\n"),
        "{markdown}"
    );
}

#[test]
fn incomparable_files_exit_with_1() {
    let (data, directory) = (data_set(), tempfile::tempdir().unwrap());
    predictions(data.path(), directory.path(), "small");
    let whole = fs::read_to_string(directory.path().join("small.csv")).unwrap();
    let (header, lines) = whole.split_once('\n').unwrap();
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    write("empty.csv", header);
    write("nonsense.csv", "a,b\n1,2\n");
    write("relabelled.csv", &whole.replace("Test,sad,", "Test,happy,"));
    write("twice.csv", &format!("{whole}{lines}"));
    for (file, reason) in [
        (
            "absent.csv",
            "cannot read `absent.csv`; check that it exists",
        ),
        ("empty.csv", "the file has no predictions"),
        (
            "nonsense.csv",
            "`nonsense.csv` does not contain predictions",
        ),
        ("twice.csv", "is listed twice"),
        (
            "relabelled.csv",
            "has the label sad in one evaluation and happy in the other",
        ),
    ] {
        let output = compare(
            directory.path(),
            &["small.csv", file, "--html", "page.html"],
        );
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            (output.status.code(), output.stdout.len()),
            (Some(1), 0),
            "{file}: {error}"
        );
        assert!(error.contains(reason), "{file}: {error}");
        assert!(!directory.path().join("page.html").exists(), "{file}");
    }
    assert_eq!(
        compare(directory.path(), &["small.csv"]).status.code(),
        Some(2)
    );
}
