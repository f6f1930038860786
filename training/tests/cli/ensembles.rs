//! `mien-train ensemble`.

use std::{fs, path::Path};

use crate::common::{data_set, fails_with, succeeds, text, train};

/// Exports a short run as `models/NAME/1/model.onnx`. Its recipe ends with these keys.
fn export(root: &Path, data: &Path, name: &str, keys: &str) {
    let recipe = root.join(format!("{name}.toml"));
    let base = "epochs = 2\nbatch = 4\nlearning_rate = 0.02\nprecision = \"fp32\"\n\
                sizes = [{ until = 1.0, side = 24 }]\n";
    fs::write(&recipe, format!("{base}{keys}")).unwrap();
    let run = root.join("runs").join(name);
    succeeds(&train("resnet-8-v1", data, &recipe, &run));
    let model = root.join(format!("models/{name}/1/model.onnx"));
    succeeds(&["export", text(&run), "--out", text(&model)]);
}

#[test]
fn ensemble_is_chosen_by_held_out_faces_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let data = data_set(root);
    export(root, &data, "first", "seed = 3\nholdout = 0.5\n");
    export(
        root,
        &data,
        "second",
        "seed = 3\nholdout = 0.5\nmomentum = 0.5\n",
    );
    export(root, &data, "all", "seed = 3\nholdout = 0.0\n");
    let [models, out] = ["models", "models/ensemble/1"].map(|name| root.join(name));
    let fixed = ["ensemble", "--data", text(&data), "--models", text(&models)];
    let args = |candidates: &[&'static str]| {
        let candidates = candidates.iter().flat_map(|name| ["--candidate", name]);
        let rest = ["--out", text(&out), "--min-gain", "0"];
        fixed
            .into_iter()
            .chain(candidates)
            .chain(rest)
            .collect::<Vec<_>>()
    };
    let few = |candidates| [args(candidates), vec!["--min-faces", "1"]].concat();

    fails_with(
        &args(&["first@1", "second@1"]),
        &["held out by all", "500", "--min-faces"],
    );
    fails_with(
        &few(&["first@1", "all@1"]),
        &["only 0 faces", "all@1 has holdout = 0 and seed = 3"],
    );
    fails_with(&few(&["first@2"]), &["first/2/model.onnx"]);
    fails_with(&few(&["first@1", "first@1"]), &["first@1", "twice"]);
    fails_with(&few(&["first"]), &["NAME@VERSION"]);
    assert!(!out.exists(), "an error creates no folder");

    succeeds(&few(&["first@1", "second@1"]));
    let manifest: toml::Table = fs::read_to_string(out.join("mien.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let ensemble = &manifest["ensemble"];
    let members = ensemble["members"].as_array().unwrap();
    let weights = ensemble["weights"].as_array().unwrap();
    let sum: f64 = weights
        .iter()
        .map(|weight| weight.as_float().unwrap())
        .sum();
    assert!(
        !members.is_empty() && members.len() == weights.len(),
        "{manifest}"
    );
    assert!((sum - 1.0).abs() < 1e-9, "{manifest}");
    let report = fs::read_to_string(out.join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["test"]["total"], 28);
    assert_eq!(report["test"]["duplicates"]["test_in_train"], 28);
    assert_eq!(report["holdout"]["total"], 7);
    let accuracy = report["test"]["accuracy"].as_f64().unwrap();
    assert_eq!(ensemble["accuracy"]["test"].as_float(), Some(accuracy));
    let losses: Vec<f64> = report["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|candidate| candidate["log_loss"].as_f64().unwrap())
        .collect();
    let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(
        report["holdout"]["log_loss"].as_f64().unwrap() <= best + 1e-3,
        "{report}"
    );
    let card = fs::read_to_string(out.join("README.md")).unwrap();
    for words in [
        "first@1",
        "PublicTest",
        "PrivateTest",
        "without faces that are also in train",
    ] {
        assert!(card.contains(words), "`{words}` is not in {card}");
    }
    fails_with(
        &few(&["first@1"]),
        &["already contains a model", "new version"],
    );
}
