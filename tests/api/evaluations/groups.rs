//! Accuracy per group in evaluations and comparisons.

use std::fs;

use mien_faces::report::csv;
use serde_json::{Value, json};

use super::{LABELS, data_set, expected, put, spawn};
use crate::{
    helpers::{TestApp, settings, startup_error},
    state::spawn_on,
};

const SMALL: &str = "small";

/// Writes a `groups.csv` with the grouping `light`. `indoor` is the group of the images from `PublicTest`, except the first one, which does
/// not have a group. Another row names an image that does not exist.
fn put_groups(root: &std::path::Path, indoor: &str) {
    let mut text = String::from("image,light\ntest/sad/gone.png,outdoor\n");
    for (index, label) in LABELS.iter().enumerate().skip(1) {
        let (usage, group) = if index < 3 {
            ("PublicTest", indoor)
        } else {
            ("PrivateTest", "outdoor")
        };
        text += &format!("test/{label}/{usage}_{index}.png,\"{group}\"\n");
    }
    put(root, "groups.csv", text.as_bytes());
}

/// Returns the number of these labels that the model `small` predicts for their faces.
fn correct(labels: &[&str]) -> usize {
    let is_correct = |label: &&&str| expected(SMALL, label) == **label;
    labels.iter().filter(is_correct).count()
}

fn scores_of<'a>(groups: &'a Value, grouping: &str) -> &'a Value {
    let mut all = groups.as_array().unwrap().iter();
    all.find(|scores| scores["grouping"] == grouping).unwrap()
}

#[actix_web::test]
async fn report_scores_groups_of_file_and_built_in_groups() {
    let data = data_set();
    put_groups(data.path(), "indoor");
    let app = spawn(&data, &[]);
    let list = app.json("/v1/datasets").await;
    assert_eq!(list["datasets"][0]["groupings"], json!(["light"]));
    assert_eq!(list["datasets"][0]["left_out"]["group_rows"], 1);

    let id = app
        .evaluate(&json!({"dataset": "faces", "model": SMALL}))
        .await;
    let path = format!("/v1/evaluations/{id}");
    let report = app.json(&path).await["report"].clone();
    let names: Vec<&Value> = report["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|scores| &scores["grouping"])
        .collect();
    assert_eq!(names, ["light", "brightness", "contrast", "blur"]);

    let light = scores_of(&report["groups"], "light");
    assert_eq!(light["ungrouped"], 1);
    assert_eq!(light["largest_gap"], Value::Null, "the groups are small");
    for (group, name, labels) in [
        (&light["groups"][0], "indoor", &LABELS[1..3]),
        (&light["groups"][1], "outdoor", &LABELS[3..]),
    ] {
        assert_eq!(group["group"], name);
        assert_eq!(group["total"], labels.len(), "{name}");
        assert_eq!(group["correct"], correct(labels), "{name}");
        assert_eq!(group["range"], Value::Null);
    }
    for name in ["brightness", "contrast", "blur"] {
        let scores = scores_of(&report["groups"], name);
        let groups = scores["groups"].as_array().unwrap();
        let column = |key: &str| groups.iter().map(|g| g[key].clone()).collect::<Vec<_>>();
        assert_eq!(column("group"), ["low", "medium", "high"], "{name}");
        assert_eq!(column("total"), [3, 2, 2], "{name}");
        let right: u64 = groups.iter().map(|g| g["correct"].as_u64().unwrap()).sum();
        assert_eq!(right, report["correct"], "{name}");
        // The highest blur is the lowest variance of the Laplacian.
        let low = |group: &Value| group["range"][0].as_f64().unwrap();
        let is_ascending = low(&groups[0]) < low(&groups[2]);
        assert_eq!(is_ascending, name != "blur", "{name}");
    }

    let text = app.get(&format!("{path}/report?format=markdown")).await;
    let text = text.text().await.unwrap();
    assert!(text.contains("## Accuracy by group\n"), "{text}");
    assert!(text.contains("1 row of groups.csv whose image does not exist"));
}

#[actix_web::test]
async fn predictions_have_column_per_grouping() {
    let data = data_set();
    put_groups(data.path(), "in, door");
    let app = spawn(&data, &[]);
    let id = app.evaluate(&json!({"dataset": "faces"})).await;
    let lines = app.get(&format!("/v1/evaluations/{id}/predictions")).await;
    let lines = lines.text().await.unwrap();
    let header = lines.lines().next().unwrap();
    let columns = ",surprise,group_light,group_brightness,group_contrast,group_blur";
    assert!(header.ends_with(columns), "{header}");
    let read = csv::read(lines.as_bytes()).unwrap();
    let [light, brightness, ..] = &read.groupings[..] else {
        panic!("{lines}");
    };
    for (index, image) in read.images.iter().enumerate() {
        let expected = match image.name.as_str() {
            "test/angry/PublicTest_0.png" => None,
            name if name.contains("PublicTest") => Some("in, door"),
            _ => Some("outdoor"),
        };
        assert_eq!(light.name_of(index), expected, "{}", image.name);
        assert!(brightness.name_of(index).is_some(), "{}", image.name);
    }
}

#[actix_web::test]
async fn comparison_uses_groups_of_second_evaluation() {
    let (data, state) = (data_set(), tempfile::tempdir().unwrap());
    put_groups(data.path(), "indoor");
    let mut app = spawn_on(&state, &data, &[]).await;
    let first = app
        .evaluate(&json!({"dataset": "faces", "model": SMALL}))
        .await;
    app.stop_and_wait().await;

    put_groups(data.path(), "renamed");
    let mut app = spawn_on(&state, &data, &[]).await;
    let second = app
        .evaluate(&json!({"dataset": "faces", "model": SMALL}))
        .await;
    for (a, b, group) in [(&first, &second, "renamed"), (&second, &first, "indoor")] {
        let compared = comparison(&app, a, b).await;
        let light = scores_of(&compared["groups"], "light");
        let groups = light["groups"].as_array().unwrap();
        let mut names = groups.iter().map(|group| &group["group"]);
        assert!(names.any(|name| name == group), "{light}");
        for group in groups {
            assert_eq!(group["difference"], 0.0, "{group}");
            assert_eq!(group["accuracy_a"], group["accuracy_b"], "{group}");
        }
        assert_eq!(compared["largest_group_loss"], Value::Null);
    }
    app.stop_and_wait().await;
}

async fn comparison(app: &TestApp, a: &str, b: &str) -> Value {
    app.json(&format!("/v1/evaluations/compare?a={a}&b={b}"))
        .await
}

#[actix_web::test]
async fn invalid_groups_prevent_start() {
    let data = data_set();
    fs::write(data.path().join("groups.csv"), "image,blur\nx,1\n").unwrap();
    let source = format!("--data=faces={}", data.path().display());
    let error = startup_error(&settings(&[&source])).await;
    assert!(error.contains("groups.csv`, line 1: "), "{error}");
    assert!(error.contains("rename the column"), "{error}");
}
