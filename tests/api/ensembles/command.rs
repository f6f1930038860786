//! Ensembles on the command line.

use std::process::Command;

use serde_json::{Value, json};

use super::{assert_close, duo, mean};
use crate::{
    evaluations::{LABELS, data_set},
    helpers::fixture,
};

#[test]
fn commands_use_an_ensemble_without_a_server() {
    let (root, data) = (duo(), data_set());
    let mien = |words: &[&str]| -> Value {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mien"));
        command
            .args(words)
            .args(["--json", "--device=cpu", "--models"])
            .arg(root.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let image = fixture("faces/happy.png");
    let classify = |flags: &[&str]| -> (Value, Vec<f64>) {
        let body = mien(&[&["classify", image.to_str().unwrap()], flags].concat());
        let probabilities = &body["predictions"][0]["probabilities"];
        let values = LABELS.map(|label| probabilities[label].as_f64().unwrap());
        (body["model"].clone(), values.to_vec())
    };
    let (_, small) = classify(&["--model=small"]);
    let (_, keras) = classify(&["--model=keras"]);
    // The ensemble records the best accuracy.
    let (name, duo) = classify(&[]);
    assert_eq!(name, "duo");
    assert_close(&duo, &mean(&small, &keras));
    let report = mien(&[
        "evaluate",
        "--model=duo@1",
        "--data",
        data.path().to_str().unwrap(),
    ]);
    assert_eq!(
        (&report["model"], &report["report"]["total"]),
        (&json!("duo"), &json!(7))
    );
}
