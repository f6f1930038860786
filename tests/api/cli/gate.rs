//! Limits of `mien evaluate` for pipelines.

use std::{fs, path::Path};

use super::mien;
use crate::{
    evaluations::{LABELS, data_set, expected, put},
    helpers::face,
};

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

/// Changes a file of predictions so that each prediction is correct.
fn correct_all(file: &Path) {
    let lines = fs::read_to_string(file).unwrap();
    let mut reader = csv::Reader::from_reader(lines.as_bytes());
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|other| other == name).unwrap();
    let (label, predicted) = (column("label"), column("prediction"));
    let mut writer = csv::Writer::from_path(file).unwrap();
    writer.write_record(&header).unwrap();
    for record in reader.records() {
        let record = record.unwrap();
        let mut fields: Vec<&str> = record.iter().collect();
        // The label gets the probability of the predicted class.
        fields.swap(column(&record[label]), column(&record[predicted]));
        fields[predicted] = &record[label];
        writer.write_record(fields).unwrap();
    }
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

    correct_all(&old);
    let (code, errors) = evaluate_with(data.path(), &flags);
    assert_eq!(code, Some(4), "{errors}");
    assert!(errors.contains("--max-regression"), "{errors}");
    let subset = [&flags[..], &["--limit=3"]].concat();
    let (code, errors) = evaluate_with(data.path(), &subset);
    assert_eq!(code, Some(1), "{errors}");
    assert!(errors.contains("same images"), "{errors}");
}

#[test]
fn regression_in_group_exits_with_4_and_names_group() {
    let data = tempfile::tempdir().unwrap();
    let mut groups = String::from("image,label\n");
    for label in LABELS {
        for index in 0..30 {
            let name = format!("test/{label}/{index}.png");
            put(data.path(), &name, &face(label));
            groups += &format!("{name},{label}\n");
        }
    }
    let old = data.path().join("old.csv");
    let csv = format!("--csv={}", old.display());
    assert_eq!(evaluate_with(data.path(), &[&csv]).0, Some(0));
    // The baseline does not contain these groups.
    put(data.path(), "groups.csv", groups.as_bytes());
    let baseline = format!("--baseline={}", old.display());
    let flags = ["--max-group-regression=0.05", &baseline];
    let passed = evaluate_with(data.path(), &flags);
    assert_eq!(passed, (Some(0), String::new()), "same model");

    correct_all(&old);
    let (code, errors) = evaluate_with(data.path(), &flags);
    assert_eq!(code, Some(4), "{errors}");
    for label in LABELS {
        let is_listed = errors.contains(&format!("the group {label} of label (30 images)"));
        assert_eq!(is_listed, expected("small", label) != label, "{errors}");
    }
    let alone = evaluate_with(data.path(), &["--max-group-regression=0.05"]);
    assert!(alone.1.contains("--baseline"), "{}", alone.1);
}

#[test]
fn groups_that_are_too_small_are_error() {
    let data = data_set();
    let old = data.path().join("old.csv");
    let csv = format!("--csv={}", old.display());
    assert_eq!(evaluate_with(data.path(), &[&csv]).0, Some(0));
    let baseline = format!("--baseline={}", old.display());
    let flags = ["--max-group-regression=0.05", &baseline];
    let (code, errors) = evaluate_with(data.path(), &flags);
    assert_eq!(code, Some(1), "{errors}");
    assert!(
        errors.contains("no group has at least 30 images"),
        "{errors}"
    );
}
