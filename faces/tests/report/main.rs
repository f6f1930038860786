//! Reports and comparisons against scikit-learn, scipy and statsmodels: `fixtures/report/make.py`.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot continue should panic"
)]

mod comparison;
mod groups;

use std::fs;

use mien_faces::{
    expression::Expression,
    report::{Prediction, Tally, csv, mistakes, without_duplicates},
};
use serde_json::{Value, json};

fn fixture(name: &str) -> Vec<u8> {
    fs::read(format!(
        "{}/tests/fixtures/report/{name}",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap()
}

fn predictions(name: &str) -> Vec<Prediction> {
    csv::read(fixture(name).as_slice()).unwrap().images
}

fn expected() -> Value {
    serde_json::from_slice(&fixture("expected.json")).unwrap()
}

/// Checks that two documents are equal up to rounding of their numbers.
fn assert_close(found: &Value, expected: &Value, what: &str) {
    match (found.as_f64(), expected.as_f64()) {
        (Some(a), Some(b)) => assert!((a - b).abs() <= 1e-9 * (1.0 + b.abs()), "{what}: {a} {b}"),
        _ => match (found.as_array(), expected.as_array()) {
            (Some(a), Some(b)) => {
                assert_eq!(a.len(), b.len(), "{what}");
                a.iter().zip(b).for_each(|(a, b)| assert_close(a, b, what));
            }
            _ => assert_eq!(found, expected, "{what}"),
        },
    }
}

fn column(rows: &Value, key: &str) -> Value {
    rows.as_array()
        .unwrap()
        .iter()
        .map(|row| row[key].clone())
        .collect()
}

#[test]
fn report_agrees_with_scikit_learn() {
    for model in ["a", "b"] {
        let tally: Tally = predictions(&format!("{model}.csv")).iter().collect();
        let report = serde_json::to_value(tally.report()).unwrap();
        let expected = &expected()[model];
        for key in [
            "total",
            "correct",
            "accuracy",
            "interval",
            "macro_f1",
            "balanced_accuracy",
            "log_loss",
            "brier",
            "expected_calibration_error",
            "confusion",
        ] {
            assert_close(&report[key], &expected[key], key);
        }
        for key in ["support", "precision", "recall", "f1"] {
            assert_close(&column(&report["classes"], key), &expected[key], key);
        }
        let bins = &report["calibration"]["bins"];
        for key in ["images", "accuracy", "confidence"] {
            assert_close(&column(bins, key), &column(&expected["bins"], key), key);
        }
        let edges: Vec<f64> = (0..=15).map(|edge| f64::from(edge) / 15.0).collect();
        assert_close(&column(bins, "lower"), &json!(edges[..15]), "lower");
        assert_close(&column(bins, "upper"), &json!(edges[1..]), "upper");
    }
}

#[test]
fn mistakes_and_confusions_are_ordered() {
    let all = predictions("a.csv");
    let found = mistakes(&all);
    assert_eq!(found.len(), 24);
    assert!(found.is_sorted_by(|x, y| (y.confidence, &x.name) <= (x.confidence, &y.name)));
    assert!(
        found
            .iter()
            .all(|mistake| mistake.label != mistake.prediction)
    );
    let backwards: Vec<_> = all.iter().rev().cloned().collect();
    assert_eq!(mistakes(&backwards), found);

    let report = all.iter().collect::<Tally>().report();
    let confusions = &report.confusions;
    assert_eq!(confusions.len(), 10);
    assert!(confusions.is_sorted_by_key(|pair| std::cmp::Reverse(pair.images)));
    for pair in confusions {
        assert_eq!(
            pair.images,
            report.confusion.count(pair.label, pair.prediction)
        );
        let support = report.classes[pair.label.index()].support;
        assert_eq!(pair.share, pair.images as f64 / support as f64);
    }
    let least = confusions.last().unwrap().images;
    let off_diagonal = Expression::ALL
        .iter()
        .flat_map(|&a| Expression::ALL.map(|b| (a, b)));
    let more = off_diagonal
        .filter(|(a, b)| a != b && report.confusion.count(*a, *b) > least)
        .count();
    assert!(more <= 10 && confusions[..more].iter().all(|pair| pair.images > least));
}

#[test]
fn without_duplicates_excludes_and_counts() {
    let all = predictions("a.csv");
    let seen = &all[..40];
    let found = without_duplicates(&all, |prediction| seen.contains(prediction));
    let rest = all[40..].iter().collect::<Tally>().report();
    assert_eq!((found.removed, found.score), (40, rest.score));
}

#[test]
fn csv_reads_back_unchanged() {
    let all = predictions("a.csv");
    let mut file = Vec::new();
    csv::write(&mut file, &all[..100], 0, &[]).unwrap();
    csv::write(&mut file, &all[100..], 100, &[]).unwrap();
    assert_eq!(csv::read(file.as_slice()).unwrap().images, all);
    let text = String::from_utf8(file).unwrap();
    let original = String::from_utf8(fixture("a.csv")).unwrap();
    assert_eq!(text.lines().next(), original.lines().next());
    assert_eq!(text.lines().count(), original.lines().count());
}

#[test]
fn invalid_csv_is_rejected_with_reason() {
    let header = "image,name,usage,label,prediction,confidence,angry,disgust,fear,happy,neutral,sad,surprise";
    for (text, reason) in [
        ("", "no predictions"),
        (header, "no predictions"),
        ("image,name\n1,2", "missing field `usage`"),
        (
            &format!("{header}\n1,x,Training,glad,sad,1,0,0,0,0,0,1,0"),
            "unknown variant `glad`",
        ),
        (
            &format!("{header}\n1,x,Training,sad,sad,1,0,0,0,0,0,one,0"),
            "line: 2",
        ),
        (&format!("{header}\n1,x"), "line: 2"),
    ] {
        let error = csv::read(text.as_bytes()).unwrap_err().to_string();
        assert!(
            error.contains(reason) && error.contains("expected"),
            "{text}: {error}"
        );
    }
}
