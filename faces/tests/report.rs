//! Reports and comparisons against scikit-learn, scipy and statsmodels: `fixtures/report/make.py`.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot continue should panic"
)]

use std::fs;

use mien_faces::{
    expression::Expression,
    report::{
        CompareError, Prediction, Tally, compare, csv, mcnemar, mistakes, paired_difference,
        without_duplicates,
    },
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
    csv::read(fixture(name).as_slice()).unwrap()
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
fn comparison_agrees_with_scipy_and_statsmodels() {
    let (a, b) = (predictions("a.csv"), predictions("b.csv"));
    let found = serde_json::to_value(compare(&a, &b).unwrap()).unwrap();
    let expected = &expected()["comparison"];
    for key in ["images", "difference", "difference_interval", "p_value"] {
        assert_close(&found[key], &expected[key], key);
    }
    let pairs = [
        "both_correct",
        "only_a_correct",
        "only_b_correct",
        "both_incorrect",
    ];
    assert_eq!(
        json!(pairs.map(|key| &found["pairs"][key])),
        expected["pairs"]
    );
    for key in ["recall_a", "recall_b"] {
        assert_close(&column(&found["classes"], key), &expected[key], key);
    }
    assert_eq!(found["flipped"]["count"], expected["flipped"]);
    assert_eq!(
        json!([found["only_in_a"], found["only_in_b"]]),
        json!([5, 3])
    );

    let images = found["flipped"]["images"].as_array().unwrap();
    assert_eq!(images.len(), 100);
    let confidences = images.iter().map(|flip| {
        assert_ne!(flip["a"], flip["b"]);
        flip["confidence_a"]
            .as_f64()
            .unwrap()
            .min(flip["confidence_b"].as_f64().unwrap())
    });
    assert!(confidences.is_sorted_by(|a, b| a >= b));
}

#[test]
fn mcnemar_and_interval_agree_for_many_tables() {
    for row in expected()["tests"].as_array().unwrap() {
        let [both, only_a, only_b, neither] =
            [0, 1, 2, 3].map(|i| row["table"][i].as_u64().unwrap());
        let (p, expected) = (mcnemar(only_a, only_b), row["p_value"].as_f64().unwrap());
        assert!((p - expected).abs() <= 1e-9 * expected, "{row}: {p}");
        let interval = paired_difference(both, only_a, only_b, neither);
        assert_close(&json!(interval), &row["interval"], "interval");
    }
    assert_eq!((mcnemar(0, 0), paired_difference(0, 0, 0, 0)), (1.0, None));
}

#[test]
fn swapped_models_negate_difference() {
    let (a, b) = (predictions("a.csv"), predictions("b.csv"));
    let (there, back) = (compare(&a, &b).unwrap(), compare(&b, &a).unwrap());
    let [low, high] = there.difference_interval;
    assert_close(
        &json!(back.difference),
        &json!(-there.difference),
        "difference",
    );
    assert_close(
        &json!(back.difference_interval),
        &json!([-high, -low]),
        "interval",
    );
    assert_eq!(
        (back.p_value, back.only_in_a),
        (there.p_value, there.only_in_b)
    );
    assert_eq!(back.a, there.b);
}

#[test]
fn incomparable_predictions_are_rejected() {
    let all = predictions("a.csv");
    let (first, others) = all.split_at(3);
    assert_eq!(compare(first, others), Err(CompareError::NothingInCommon));
    assert_eq!(compare(&[], others), Err(CompareError::NothingInCommon));
    let twice = [first, first].concat();
    assert!(matches!(
        compare(&twice, &all),
        Err(CompareError::Twice { .. })
    ));
    let mut other = first.to_vec();
    other[2].truth = Expression::Disgust;
    let error = compare(first, &other).unwrap_err().to_string();
    assert!(
        error.contains("has the label fear in one evaluation and disgust in the other"),
        "{error}"
    );
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
    csv::write(&mut file, &all[..100], true).unwrap();
    csv::write(&mut file, &all[100..], false).unwrap();
    assert_eq!(csv::read(file.as_slice()).unwrap(), all);
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
