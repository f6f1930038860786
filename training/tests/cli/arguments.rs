//! `mien-train list` and `bench`, and invalid arguments.

use std::fs;

use crate::common::{data_set, fails_with, recipe, resume, succeeds, text, train_small as train};

#[test]
fn list_prints_table_or_json() {
    assert!(succeeds(&["list"]).contains("resnet-104-v1"));
    let list: serde_json::Value = serde_json::from_str(&succeeds(&["list", "--json"])).unwrap();
    let find = |name: &str| {
        list.as_array()
            .unwrap()
            .iter()
            .find(|entry| entry["name"] == name)
            .unwrap()
            .clone()
    };
    let expected = serde_json::json!({
        "name": "resnet-104-v1", "parameters": 1_647_975, "trainable": 1_640_327, "statistics": 7_648,
        "multiply_adds": 537_075_648,
    });
    assert_eq!(find("resnet-104-v1"), expected);
    assert_eq!(find("resnet-20-v1")["statistics"], 1_376);
}

#[test]
fn bench_reports_time_per_phase() {
    let small = [
        "bench",
        "--arch",
        "resnet-8-v1",
        "--batch",
        "8",
        "--size",
        "24",
        "--steps",
        "2",
    ];
    let table = succeeds(&[&small[..], &["--micro-batch", "2", "--threads", "2"]].concat());
    assert!(
        table.contains("forward") && table.contains("resnet-8-v1"),
        "{table}"
    );

    let json = succeeds(&[&small[..], &["--precision", "bf16", "--json"]].concat());
    let figures: serde_json::Value = serde_json::from_str(&json).unwrap();
    let of = |key: &str| figures[0][key].as_f64().unwrap();
    assert_eq!(figures[0]["precision"], "BFloat16");
    let parts: f64 = ["data", "forward", "backward", "step"].map(of).iter().sum();
    assert!(parts > 0.0 && parts <= of("total"), "{json}");

    fails_with(&["bench", "--arch", "vgg"], &["vgg", "mien-train list"]);
    fails_with(&["bench", "--size", "8"], &["`sizes`", "16 to 48"]);
}

#[test]
fn invalid_arguments_are_reported_with_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let (data, recipe) = (data_set(folder.path()), recipe(folder.path()));
    let out = folder.path().join("run");
    let missing = folder.path().join("nowhere");
    fails_with(&train(&missing, &recipe, &out), &["nowhere"]);
    fails_with(
        &[
            "train",
            "--arch",
            "vgg",
            "--data",
            text(&data),
            "--out",
            text(&out),
        ],
        &["vgg", "mien-train list"],
    );
    fails_with(
        &resume(&missing),
        &["nowhere", "does not contain a run", "--arch"],
    );
    let no_threads = [
        "train",
        "--arch",
        "resnet-8-v1",
        "--data",
        text(&data),
        "--threads",
        "0",
    ];
    fails_with(
        &[&no_threads[..], &["--out", text(&out)]].concat(),
        &["--threads", "at least 1"],
    );
    let no_training_faces = [train(&data, &recipe, &out), vec!["--holdout", "0.99"]].concat();
    fails_with(
        &no_training_faces,
        &["a holdout of 0.99 leaves 0 training faces", "lower it"],
    );
    assert!(!out.exists(), "an error creates no folder");

    let wrong = folder.path().join("wrong.toml");
    fs::write(&wrong, "learning_rat = 0.1\n").unwrap();
    fails_with(&train(&data, &wrong, &out), &["wrong.toml", "learning_rat"]);
    fs::write(&wrong, "ema = 2.0\n").unwrap();
    fails_with(&train(&data, &wrong, &out), &["`ema`", "in [0, 1)"]);

    let hot = folder.path().join("hot.toml");
    fs::write(
        &hot,
        "batch = 4\nlearning_rate = 1e30\nepochs = 8\nwarmup = 0.0\nprecision = \"fp32\"\n",
    )
    .unwrap();
    fails_with(
        &train(&data, &hot, &out),
        &["the loss is", "`learning_rate`"],
    );
    fails_with(
        &train(&data, &recipe, &out),
        &["already contains a run", "--resume"],
    );

    fs::write(data.join("train/sad/Training_1.png"), "not an image").unwrap();
    let other = folder.path().join("other");
    fails_with(
        &train(&data, &recipe, &other),
        &["1 of 14 images", "Training_1.png"],
    );
}
