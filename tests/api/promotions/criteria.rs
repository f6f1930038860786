//! The acceptance criteria.

use mien_faces::report::paired_difference;
use serde_json::json;

use super::{faces, serve};
use crate::{evaluations::put, helpers::face, lifecycle::models_dir};

#[actix_web::test]
async fn rejected_version_is_unloaded_with_shortfall() {
    let (root, data) = (
        models_dir(&[("m", "1", "small"), ("m", "2", "tiny")]),
        faces(),
    );
    let app = serve(&root, &data, &["--version-policy=1"]);
    let spec = json!({"version": 2, "dataset": "faces", "min_accuracy": 0.5});
    let document = app.promote("m", &spec, "rejected").await;
    let result = &document["result"];
    assert_eq!(result["candidate"]["accuracy"], 0.4);
    assert_eq!(
        json!([result["passed"], result["required"], result["actual"]]),
        json!([false, 0.5, 0.4])
    );
    assert!(
        (result["shortfall"].as_f64().unwrap() - 0.1).abs() < 1e-9,
        "{document}"
    );
    assert_eq!(
        document["reason"],
        "40.00 % of 10 images are correct: 10.00 points below the minimum of 50.00 %"
    );
    assert_eq!(app.version("").await, "1");
    app.until_versions("m", &["1 ready", "2 unloaded"]).await;
    assert_eq!(app.outcomes("m").await, [0.0, 1.0, 0.0, 0.0]);
}

#[actix_web::test]
async fn unreadable_image_fails_promotion() {
    let (root, data) = (
        models_dir(&[("m", "1", "small"), ("m", "2", "tiny")]),
        faces(),
    );
    put(data.path(), "test/sad/broken.png", b"nonsense");
    let app = serve(&root, &data, &["--version-policy=1"]);
    let spec = json!({"version": 2, "dataset": "faces", "min_accuracy": 0.0});
    let document = app.promote("m", &spec, "failed").await;
    let reason = document["reason"].as_str().unwrap();
    assert!(reason.contains("1 of 11 images cannot be read"), "{reason}");
    assert_eq!(app.version("").await, "1");
}

#[actix_web::test]
async fn non_inferiority_uses_paired_interval() {
    let (root, data) = (
        models_dir(&[("m", "1", "small"), ("m", "2", "tiny")]),
        faces(),
    );
    let app = serve(&root, &data, &["--version-policy=1"]);
    // Of 10 images only the old version classifies 1 correctly and only the new one 4.
    let [low, high] = paired_difference(0, 1, 4, 5).unwrap();
    assert!(-0.5 < low && low < 0.0, "{low}");
    let spec = |margin: f64| json!({"version": "2", "dataset": "faces", "max_regression": margin});
    let document = app.promote("m", &spec(0.0), "rejected").await;
    let result = &document["result"];
    let interval = &result["difference_interval"];
    for (found, expected) in [
        (&interval[0], low),
        (&interval[1], high),
        (&result["required"], 0.0),
        (&result["actual"], low),
        (&result["shortfall"], -low),
        (&result["difference"], 0.3),
    ] {
        assert!(
            (found.as_f64().unwrap() - expected).abs() < 1e-12,
            "{expected}: {result}"
        );
    }
    assert_eq!(
        (
            &result["baseline"]["version"],
            &document["baseline_version"]
        ),
        (&json!("1"), &json!("1"))
    );
    assert_eq!(result["baseline"]["correct"], 1);
    assert_eq!(document["images"], json!({"done": 20, "total": 20}));
    let reason = document["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("+30.00 points compared with version 1 on 10 images"),
        "{reason}"
    );
    assert!(
        reason.contains("points below the limit of 0.00 points"),
        "{reason}"
    );

    // An evaluation from before the last load is not reused, because mien.toml may have changed.
    assert_eq!(app.load("m").await.status(), 200);
    let repeated = app.promote("m", &spec(0.0), "rejected").await;
    assert_ne!(
        repeated["baseline_evaluation"],
        document["baseline_evaluation"]
    );
    let document = repeated;

    // A stored evaluation of the loaded serving version is reused, also for fewer images.
    let stored = &document["baseline_evaluation"];
    let mut fewer = spec(1.0);
    fewer["limit"] = json!(5);
    let second = app.promote("m", &fewer, "promoted").await;
    assert_eq!(&second["baseline_evaluation"], stored);
    assert_eq!(second["images"], json!({"done": 5, "total": 5}));
    assert_eq!(second["result"]["baseline"]["total"], 5);
    assert_eq!(app.version("").await, "2");

    // In the other direction, with a baseline that does not serve: stored evaluations on other data are not reused.
    put(
        data.path(),
        "test/neutral/PublicTest_new.png",
        &face("neutral"),
    );
    let app = serve(&root, &data, &["--version-policy=all"]);
    let back =
        json!({"version": "1", "dataset": "faces", "max_regression": 1, "baseline_version": "2"});
    let document = app.promote("m", &back, "promoted").await;
    assert_ne!(&document["baseline_evaluation"], stored);
    assert_eq!(document["result"]["baseline"]["total"], 11);
    assert_eq!(app.version("").await, "1");
}
