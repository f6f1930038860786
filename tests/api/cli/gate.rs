//! Limits of `mien evaluate` for pipelines.

use std::{fs, path::Path};

use super::mien;
use crate::evaluations::{data_set, put};

/// Evaluates the model `small`, which is right for some of the seven faces, with these flags. Returns the exit code and the errors.
fn evaluate_with(data: &Path, flags: &[&str]) -> (Option<i32>, String) {
    let words = [
        "evaluate",
        "--model=small",
        "--data",
        data.to_str().unwrap(),
    ];
    let output = mien(&[&words, flags].concat());
    let errors = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), errors)
}

#[test]
fn accuracy_below_limit_exits_with_4() {
    let data = data_set();
    let (code, errors) = evaluate_with(data.path(), &["--min-accuracy=0.99"]);
    assert_eq!(code, Some(4), "{errors}");
    assert!(errors.contains("--min-accuracy"), "{errors}");
    let passed = evaluate_with(data.path(), &["--min-accuracy=0.01"]);
    assert_eq!(passed, (Some(0), String::new()));
    put(data.path(), "test/sad/bad.png", b"not an image");
    assert_eq!(
        evaluate_with(data.path(), &["--min-accuracy=0.99"]).0,
        Some(4)
    );
    assert_eq!(
        evaluate_with(data.path(), &["--min-accuracy=0.01"]).0,
        Some(3)
    );
}

#[test]
fn regression_above_limit_exits_with_4() {
    let data = data_set();
    let old = data.path().join("old.csv");
    let csv = format!("--csv={}", old.display());
    assert_eq!(evaluate_with(data.path(), &[&csv]).0, Some(0));
    let baseline = format!("--baseline={}", old.display());
    let flags = ["--max-regression=0.05", &baseline];
    assert_eq!(evaluate_with(data.path(), &flags).0, Some(0), "same model");

    // The baseline is right for every image.
    let lines = fs::read_to_string(&old).unwrap();
    let mut reader = csv::Reader::from_reader(lines.as_bytes());
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|other| other == name).unwrap();
    let (label, predicted) = (column("label"), column("prediction"));
    let mut writer = csv::Writer::from_path(&old).unwrap();
    writer.write_record(&header).unwrap();
    for record in reader.records() {
        let record = record.unwrap();
        let mut fields: Vec<&str> = record.iter().collect();
        // The label gets the probability of the predicted class.
        fields.swap(column(&record[label]), column(&record[predicted]));
        fields[predicted] = &record[label];
        writer.write_record(fields).unwrap();
    }
    drop(writer);
    let (code, errors) = evaluate_with(data.path(), &flags);
    assert_eq!(code, Some(4), "{errors}");
    assert!(errors.contains("--max-regression"), "{errors}");
    let subset = [&flags[..], &["--limit=3"]].concat();
    let (code, errors) = evaluate_with(data.path(), &subset);
    assert_eq!(code, Some(1), "{errors}");
    assert!(errors.contains("same images"), "{errors}");
}
