//! `mien evaluate` and `mien classify`: the program without a server.

mod classify;
mod files;
mod gate;

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::{
    evaluations::{data_set, expected, put},
    helpers::fixture,
};

fn mien(words: &[&str]) -> Output {
    mien_on("cpu", words)
}

fn mien_on(device: &str, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mien"));
    command
        .args(words)
        .arg(format!("--device={device}"))
        .arg("--models")
        .arg(fixture("models"));
    command.output().unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The processor may not support the plugin. Then the default provider classifies the faces.
#[test]
fn classify_on_openvino_predicts_like_cpu() {
    let cache = tempfile::tempdir().unwrap();
    let cache = format!("--tune-cache={}", cache.path().display());
    let face = fixture("faces/sad.png");
    let words = [
        "classify",
        face.to_str().unwrap(),
        "--model=small",
        "--format=jsonl",
        "--precision=fp32",
        &cache,
    ];
    let predictions = ["cpu", "openvino"].map(|device| {
        let output = mien_on(device, &words);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        json_of(&output)["probabilities"]["sad"].as_f64().unwrap()
    });
    let [cpu, openvino] = predictions;
    assert!((cpu - openvino).abs() < 1e-3, "{predictions:?}");
}

#[test]
fn evaluate_prints_json() {
    let data = data_set();
    let root = data.path().to_str().unwrap();
    for model in ["small", "keras@1"] {
        let output = mien(&["evaluate", "--data", root, "--model", model, "--json"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let body = json_of(&output);
        let name = model.trim_end_matches("@1");
        let head = ["model", "version", "split", "limit"].map(|key| &body[key]);
        assert_eq!(json!(head), json!([name, "1", "test", null]));
        let classes = [
            "angry", "disgust", "fear", "happy", "neutral", "sad", "surprise",
        ];
        let correct = classes
            .iter()
            .filter(|class| expected(name, class) == **class)
            .count();
        assert_eq!(
            (&body["report"]["total"], &body["report"]["correct"]),
            (&json!(7), &json!(correct))
        );
    }
}

#[test]
fn evaluate_prints_table() {
    let data = data_set();
    let output = mien(&[
        "evaluate",
        "--data",
        data.path().to_str().unwrap(),
        "--split=PublicTest",
    ]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = stdout(&output);
    let lines = text.lines().filter(|line| !line.ends_with("images/s"));
    let table = lines.collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(table.replace(data.path().to_str().unwrap(), "[data]"));
}

#[test]
fn unreadable_images_exit_with_3() {
    let data = data_set();
    put(data.path(), "test/sad/bad.png", b"not an image");
    let output = mien(&[
        "evaluate",
        "--data",
        data.path().to_str().unwrap(),
        "--limit=8",
        "--json",
    ]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!(
        json_of(&output)["report"]["unreadable"]["images"][0]["name"],
        "test/sad/bad.png"
    );
    let output = mien(&["evaluate", "--data", data.path().to_str().unwrap()]);
    assert!(
        stdout(&output).contains("1 image unreadable and not scored"),
        "{output:?}"
    );
}

#[test]
fn usage_errors_exit_with_1_and_remedy() {
    let data = data_set();
    let root = data.path().to_str().unwrap();
    for (words, message) in [
        (
            &["evaluate", "--data", "/nowhere"][..],
            "check that it exists",
        ),
        (
            &["evaluate", "--data", root, "--model=nope"],
            "it contains: broken, keras, small, tiny",
        ),
        (
            &["evaluate", "--data", root, "--model=small@9"],
            "it has: 1",
        ),
        (
            &["evaluate", "--data", root, "--model=broken"],
            "cannot use broken@1",
        ),
        (
            &["classify", "--model=nope", "x.png"],
            "unknown model `nope`",
        ),
    ] {
        let output = mien(words);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            (output.status.code(), output.stdout.len()),
            (Some(1), 0),
            "{error}"
        );
        assert!(error.contains(message), "{words:?}: {error}");
    }
    assert_eq!(
        mien(&["evaluate", "--data", root, "--split=dev"])
            .status
            .code(),
        Some(2)
    );
    assert_eq!(
        mien(&["evaluate", "--data", root, "--limit=0"])
            .status
            .code(),
        Some(2)
    );
    assert_eq!(mien(&["classify"]).status.code(), Some(2));
}

#[test]
#[cfg(unix)]
fn closed_output_is_not_an_error() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mien"));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command.arg("openapi").stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}
