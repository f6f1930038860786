//! The criterion per group.

use serde_json::json;
use tempfile::TempDir;

use super::serve;
use crate::{
    evaluations::put,
    helpers::{assert_problem, face},
    lifecycle::models_dir,
};

/// Number of images of the group on which version 2 is better, and on which it is worse.
const GAINED: usize = 160;
const LOST: usize = 40;

/// Two groups: `tiny` classifies the faces of `gained` correctly and `small` does not, and the reverse for `lost`.
fn faces_with_groups() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let mut groups = String::from("image,kind\n");
    for (group, label, count) in [("gained", "disgust", GAINED), ("lost", "neutral", LOST)] {
        for index in 0..count {
            let name = format!("test/{label}/{index}.png");
            put(root.path(), &name, &face(label));
            groups += &format!("{name},{group}\n");
        }
    }
    put(root.path(), "groups.csv", groups.as_bytes());
    root
}

#[actix_web::test]
async fn loss_in_group_rejects_version() {
    let root = models_dir(&[("m", "1", "small"), ("m", "2", "tiny")]);
    let data = faces_with_groups();
    let app = serve(&root, &data, &["--version-policy=1"]);
    let spec = json!({"version": "2", "dataset": "faces", "max_regression": 0, "max_group_regression": 0.5});
    let document = app.promote("m", &spec, "rejected").await;
    assert_eq!(document["max_group_regression"], 0.5);
    let result = &document["result"];
    let share = |count: usize| count as f64 / (GAINED + LOST) as f64;
    let difference = result["difference"].as_f64().unwrap();
    assert!(
        (difference - share(GAINED - LOST)).abs() < 1e-12,
        "{result}"
    );
    assert_eq!(
        json!([result["passed"], result["shortfall"]]),
        json!([false, null])
    );
    let groups = &result["groups"];
    let worst = &groups["worst"];
    assert_eq!(
        json!([
            worst["grouping"],
            worst["group"],
            worst["images"],
            worst["difference"]
        ]),
        json!(["kind", "lost", LOST, -1.0])
    );
    assert_eq!(
        json!([groups["passed"], groups["required"]]),
        json!([false, -0.5])
    );
    let low = worst["difference_interval"][0].as_f64().unwrap();
    assert!((groups["shortfall"].as_f64().unwrap() - (-0.5 - low)).abs() < 1e-12);
    let reason = document["reason"].as_str().unwrap();
    assert!(
        reason.contains("the worst group is lost of kind with -100.00 points on 40 images"),
        "{reason}"
    );
    assert_eq!(app.version("").await, "1");

    // The version passes without the limit, and with one that allows any loss.
    let any =
        json!({"version": "2", "dataset": "faces", "max_regression": 0, "max_group_regression": 1});
    let document = app.promote("m", &any, "promoted").await;
    assert_eq!(document["result"]["groups"]["failed"], 0);
    assert_eq!(app.version("").await, "2");
}

#[actix_web::test]
async fn group_limit_that_cannot_be_met_is_rejected() {
    let root = models_dir(&[("m", "1", "small"), ("m", "2", "tiny")]);
    let data = faces_with_groups();
    let app = serve(&root, &data, &["--version-policy=1"]);
    for (change, reason) in [
        (
            json!({"max_regression": 0.1, "max_group_regression": 2}),
            "`max_group_regression` must be between 0 and 1",
        ),
        (
            json!({"min_accuracy": 0.1, "max_group_regression": 0.1}),
            "`max_group_regression` needs `max_regression`",
        ),
        (
            json!({"max_regression": 0.1, "max_group_regression": 0.04}),
            "the group `lost` of `kind` has 40 images, which are too few for a `max_group_regression` of 0.04",
        ),
        (
            json!({"max_regression": 0.5, "max_group_regression": 0.5, "limit": 30}),
            "needs a group of at least 30 images, but all groups of the 30 selected images are smaller; use at least 90 images",
        ),
    ] {
        let mut spec = json!({"version": "2", "dataset": "faces"});
        for (key, value) in change.as_object().unwrap() {
            spec[key] = value.clone();
        }
        let response = app.post_promotion("m", &spec).await;
        let body = assert_problem(response, 400, "invalid_request").await;
        assert!(body["detail"].as_str().unwrap().contains(reason), "{body}");
    }
}
