//! Comparisons of two models.

use mien_faces::{
    expression::Expression,
    report::{CompareError, compare, mcnemar, paired_difference},
};
use serde_json::json;

use super::{assert_close, column, expected, predictions};

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
