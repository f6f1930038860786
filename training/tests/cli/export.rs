//! `mien-train export`.

mod card;
mod compare;

use std::{
    fs,
    path::{Path, PathBuf},
};

use mien_training::onnx::session::Outputs;
use serde_json::Value;
use sha2::Digest;

use crate::common::{
    count, data_set, face, fails_with, infer, is_png, json, recipe, resume, stops_after, succeeds,
    text, train_small as train,
};

/// A data set, and runs of two epochs on it.
struct Fixture {
    folder: tempfile::TempDir,
    data: PathBuf,
    recipe: PathBuf,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (data, recipe) = (data_set(folder.path()), recipe(folder.path()));
        let text = fs::read_to_string(&recipe).unwrap();
        fs::write(&recipe, format!("tta = \"flip-shift\"\n{text}")).unwrap();
        Self {
            folder,
            data,
            recipe,
        }
    }

    /// Trains a run with additional options.
    fn run(&self, name: &str, options: &[&str]) -> PathBuf {
        let out = self.folder.path().join(name);
        let args = train(&self.data, &self.recipe, &out);
        succeeds(&[&args[..], &["--epochs", "2"], options].concat());
        out
    }

    /// Trains a run that holds out half of the faces.
    fn holdout_run(&self) -> PathBuf {
        self.run("held", &["--holdout", "0.5"])
    }

    fn model(&self, name: &str) -> PathBuf {
        self.folder
            .path()
            .join("models")
            .join(name)
            .join("1/model.onnx")
    }

    /// Exports a run to the model NAME and returns the output and the report.
    fn export(&self, run: &Path, name: &str, options: &[&str]) -> (String, Value) {
        let model = self.model(name);
        let output = succeeds(&[&["export", text(run), "--out", text(&model)], options].concat());
        (output, json(&model.with_file_name("report.json")))
    }
}

#[test]
fn temperature_is_fitted_on_held_out_faces() {
    let fixture = Fixture::new();
    let run = fixture.holdout_run();
    assert!(is_png(&run.join("confusion.png")));
    let (_, report) = fixture.export(&run, "held", &[]);
    let fitted = report["temperature"]["value"].as_f64().unwrap();
    assert_eq!(report["temperature"]["source"], "holdout");
    assert!(fitted != 1.0 && report["holdout"]["total"] == 7, "{report}");
    let loss = |when: &str| report["holdout"][when]["log_loss"].as_f64().unwrap();
    assert!(loss("after") < loss("before"), "{report}");
    assert_eq!(report["test"]["tta"]["views"], 10);
    assert_eq!(report["test"]["tta"]["total"], 28);

    let model = fixture.model("held");
    let metadata = format!(
        "mien.temperature\x12{}{fitted}",
        fitted.to_string().len() as u8 as char
    );
    assert_eq!(count(&fs::read(&model).unwrap(), metadata.as_bytes()), 1);
    let Outputs {
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
}

#[test]
fn precise_bn_recomputes_batch_norm_statistics() {
    let fixture = Fixture::new();
    let run = fixture.holdout_run();
    let (_, running) = fixture.export(&run, "running", &[]);
    let (_, precise) = fixture.export(&run, "precise", &["--precise-bn"]);
    assert!(running.get("precise_bn_faces").is_none(), "{running}");
    assert_eq!(precise["precise_bn_faces"], 7);
    assert_ne!(precise["sha256"], running["sha256"]);
    assert_ne!(
        precise["holdout"]["before"], running["holdout"]["before"],
        "the held-out metrics use the recomputed statistics"
    );
    let card = fixture.model("precise").with_file_name("README.md");
    let card = fs::read_to_string(card).unwrap();
    assert!(
        card.contains("from 7 training faces") && card.contains("--precise-bn"),
        "{card}"
    );
}

#[test]
fn temperature_is_1_or_taken_from_option() {
    let fixture = Fixture::new();
    let (held, last) = (fixture.holdout_run(), fixture.run("last", &[]));
    let (output, report) = fixture.export(&last, "last", &[]);
    assert!(
        output.contains("temperature 1: the run has no held-out faces"),
        "{output}"
    );
    assert_eq!(
        report["temperature"],
        serde_json::json!({"value": 1.0, "source": "not_fitted"})
    );
    let (_, fitted) = fixture.export(&held, "held", &[]);
    let (_, report) = fixture.export(&last, "last", &["--temperature-from", text(&held)]);
    assert_eq!(
        report["temperature"]["value"],
        fitted["temperature"]["value"]
    );
    assert_eq!(report["temperature"]["source"]["holdout_of"], "held");
    let (_, report) = fixture.export(&last, "last", &["--temperature", "1.5"]);
    assert_eq!(
        report["temperature"],
        serde_json::json!({"value": 1.5, "source": "given"})
    );

    let other = fixture.run("other", &["--seed", "4"]);
    let model = fixture.model("last");
    let export = ["export", text(&last), "--out", text(&model)];
    for (option, value, words) in [
        (
            "--temperature-from",
            text(&other),
            &["`seed` is 4 there and 3 in the exported run"][..],
        ),
        (
            "--temperature-from",
            text(&last),
            &["has no held-out faces", "--holdout"],
        ),
        ("--temperature", "0", &["from 0.05 to 20"]),
    ] {
        fails_with(&[&export[..], &[option, value]].concat(), words);
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
    card::assert_sections(&fs::read_to_string(&card).unwrap(), &report);
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
