//! `mien-train export` and `compare`.

use std::{fs, path::Path};

use mien_training::onnx::session::Answers;
use sha2::Digest;

use crate::common::{
    count, data_set, face, fails_with, infer, is_png, json, recipe, resume, stops_after, succeeds,
    text, train_small as train,
};

#[test]
fn temperature_is_fitted_on_held_out_faces() {
    let folder = tempfile::tempdir().unwrap();
    let (data, recipe) = (data_set(folder.path()), recipe(folder.path()));
    let add = |line: &str| {
        let text = fs::read_to_string(&recipe).unwrap();
        fs::write(&recipe, format!("{line}\n{text}")).unwrap();
    };
    add("tta = \"flip-shift\"");
    let [held, last, other] = ["held", "last", "other"].map(|name| folder.path().join(name));
    succeeds(
        &[
            train(&data, &recipe, &held),
            vec!["--holdout", "0.5", "--epochs", "2"],
        ]
        .concat(),
    );
    succeeds(&[train(&data, &recipe, &last), vec!["--epochs", "2"]].concat());
    succeeds(
        &[
            train(&data, &recipe, &other),
            vec!["--epochs", "2", "--seed", "4"],
        ]
        .concat(),
    );
    assert!(is_png(&held.join("confusion.png")));

    let model = folder.path().join("models/held/1/model.onnx");
    succeeds(&["export", text(&held), "--out", text(&model)]);
    let report = json(&model.with_file_name("report.json"));
    let fitted = report["temperature"]["value"].as_f64().unwrap();
    assert_eq!(report["temperature"]["source"], "holdout");
    assert!(fitted != 1.0 && report["holdout"]["total"] == 7, "{report}");
    let loss = |when: &str| report["holdout"][when]["log_loss"].as_f64().unwrap();
    assert!(loss("after") < loss("before"), "{report}");
    assert_eq!(report["test"]["tta"]["views"], 10);
    assert_eq!(report["test"]["tta"]["total"], 28);
    let metadata = format!(
        "mien.temperature\x12{}{fitted}",
        fitted.to_string().len() as u8 as char
    );
    assert_eq!(count(&fs::read(&model).unwrap(), metadata.as_bytes()), 1);
    let Answers {
        logits,
        probabilities,
    } = infer(&model, &[face("fear")]);
    let powers: Vec<f64> = logits
        .iter()
        .map(|&z| (f64::from(z) / fitted).exp())
        .collect();
    for (power, probability) in powers.iter().zip(probabilities) {
        let expected = power / powers.iter().sum::<f64>();
        assert!(
            (expected - f64::from(probability)).abs() < 1e-5,
            "{expected} {probability}"
        );
    }

    let fresh = folder.path().join("models/fresh/1/model.onnx");
    succeeds(&["export", text(&held), "--out", text(&fresh), "--precise-bn"]);
    let of = json(&fresh.with_file_name("report.json"));
    assert_eq!(of["precise_bn_faces"], 7);
    assert!(report.get("precise_bn_faces").is_none(), "{report}");
    assert_ne!(of["sha256"], report["sha256"]);
    assert_ne!(
        of["holdout"]["before"], report["holdout"]["before"],
        "the held-out metrics use the recomputed statistics"
    );
    let card = fs::read_to_string(fresh.with_file_name("README.md")).unwrap();
    assert!(
        card.contains("from 7 training faces") && card.contains("--precise-bn"),
        "{card}"
    );

    // The final run has no held-out faces.
    let model = folder.path().join("models/last/1/model.onnx");
    let export = |more: &[&str]| {
        let args = [&["export", text(&last), "--out", text(&model)], more].concat();
        (succeeds(&args), json(&model.with_file_name("report.json")))
    };
    let (message, report) = export(&[]);
    assert!(
        message.contains("temperature 1: the run has no held-out faces"),
        "{message}"
    );
    assert_eq!(
        report["temperature"],
        serde_json::json!({"value": 1.0, "source": "not_fitted"})
    );
    let (_, report) = export(&["--temperature-from", text(&held)]);
    assert_eq!(report["temperature"]["value"], fitted);
    assert_eq!(report["temperature"]["source"]["holdout_of"], "held");
    let (_, report) = export(&["--temperature", "1.5"]);
    assert_eq!(
        report["temperature"],
        serde_json::json!({"value": 1.5, "source": "given"})
    );
    let export = |from: &Path| {
        [
            "export",
            text(&last),
            "--out",
            text(&model),
            "--temperature-from",
            text(from),
        ]
        .map(str::to_owned)
    };
    let fails_from = |from: &Path, words: &[&str]| {
        let args = export(from);
        fails_with(&args.iter().map(String::as_str).collect::<Vec<_>>(), words);
    };
    fails_from(&other, &["`seed` is 4 there and 3 in the exported run"]);
    fails_from(&last, &["has no held-out faces", "--holdout"]);
    fails_with(
        &[
            "export",
            text(&last),
            "--out",
            text(&model),
            "--temperature",
            "0",
        ],
        &["from 0.05 to 20"],
    );

    let plot = folder.path().join("both.png");
    let message = succeeds(&["compare", text(&held), text(&last), "--out", text(&plot)]);
    assert!(is_png(&plot));
    for words in [
        "resnet-8-v1",
        "2/2",
        "recipe keys that differ: 1",
        "holdout",
        "test accuracy",
    ] {
        assert!(message.contains(words), "`{words}` is not in {message}");
    }
}

#[test]
fn exported_model_has_report_card_and_metadata() {
    let folder = tempfile::tempdir().unwrap();
    let (data, recipe) = (data_set(folder.path()), recipe(folder.path()));
    let out = folder.path().join("run");
    let model = folder.path().join("models/small/1/model.onnx");
    let export = ["export", text(&out), "--out", text(&model)];
    stops_after("2", &train(&data, &recipe, &out));
    fails_with(&export, &["finished 0 of 4 epochs", "--resume"]);
    assert!(!model.exists());
    succeeds(&resume(&out));

    let message = succeeds(&export);
    assert!(
        message.contains("libtorch and ONNX Runtime differ by at most"),
        "{message}"
    );
    assert!(message.contains("PublicTest"), "{message}");
    let report = json(&model.with_file_name("report.json"));
    assert_eq!(report["test"]["total"], 28);
    // All test faces of the fixture are also training faces.
    assert_eq!(report["test"]["duplicates"]["test_in_train"], 28);
    assert_eq!(report["test"]["duplicates"]["without"]["total"], 0);
    assert_eq!(report["training"]["workplaces"][0]["threads"], 1);
    let bytes = fs::read(&model).unwrap();
    let sha256 = sha2::Sha256::digest(&bytes);
    let sha256 = hex::encode(sha256);
    let card = model.with_file_name("README.md");
    for path in [&card, &model.with_file_name("report.md")] {
        let text = fs::read_to_string(path).unwrap();
        for words in [
            sha256.as_str(),
            "PrivateTest",
            "| surprise |",
            "confusion.png",
        ] {
            assert!(
                text.contains(words),
                "`{words}` is not in {}",
                path.display()
            );
        }
    }
    for name in ["curves.png", "confusion.png"] {
        assert!(is_png(&model.with_file_name(name)));
    }
    fs::write(&card, "edited by hand").unwrap();
    succeeds(&export);
    assert_eq!(
        fs::read_to_string(&card).unwrap(),
        "edited by hand",
        "a card that was edited by hand is not replaced"
    );
    let holds = |word: &str| {
        bytes
            .windows(word.len())
            .any(|window| window == word.as_bytes())
    };
    for key in [
        "labels",
        "architecture",
        "parameters",
        "temperature",
        "trained_on",
        "recipe",
        "accuracy",
        "created",
    ] {
        assert!(holds(&format!("mien.{key}")), "metadata mien.{key}");
    }
}
