//! `mien-train quantize`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use mien_faces::image::Face;

use crate::common::{
    CLASSES, count, data_set, face, fails_with, infer, is_png, json, recipe_with, succeeds, text,
    train, train_small,
};

/// A data set, and the float file of a small network that held out half of the training faces.
struct Fixture {
    folder: tempfile::TempDir,
    data: PathBuf,
    float: PathBuf,
}

impl Fixture {
    fn new(architecture: &str, export: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let (data, recipe) = (data_set(root), recipe_with(root, "holdout = 0.5\n"));
        let run = root.join("run");
        succeeds(&train(architecture, &data, &recipe, &run));
        let float = root.join("models/float/1/model.onnx");
        succeeds(&[&["export", text(&run), "--out", text(&float)], export].concat());
        Self {
            folder,
            data,
            float,
        }
    }

    fn int8(&self) -> PathBuf {
        self.folder.path().join("models/int8/1/model.onnx")
    }

    fn quantize<'a>(&'a self, out: &'a Path, options: &[&'a str]) -> Vec<&'a str> {
        let (float, data) = (text(&self.float), text(&self.data));
        let fixed = ["quantize", float, "--data", data, "--out", text(out)];
        [&fixed[..], options].concat()
    }

    /// Quantises the float file and returns the largest difference of a probability.
    fn difference(&self) -> f32 {
        let out = self.int8();
        succeeds(&self.quantize(&out, &["--max-loss", "1"]));
        let faces: Vec<Face> = CLASSES.iter().map(|class| face(class)).collect();
        let [float, int8] = [&self.float, &out].map(|file| infer(file, &faces).probabilities);
        assert_eq!(float.len(), int8.len());
        let differences = float.iter().zip(int8).map(|(a, b)| (a - b).abs());
        differences.fold(0.0, f32::max)
    }
}

#[test]
fn int8_file_agrees_with_float_file_and_records_it() {
    let fixture = Fixture::new("resnet-8-v1", &[]);
    let difference = fixture.difference();
    assert!(difference > 0.0 && difference < 0.05, "{difference}");

    let out = fixture.int8();
    let bytes = fs::read(&out).unwrap();
    let report = json(&out.with_file_name("report.json"));
    let float = json(&fixture.float.with_file_name("report.json"));
    for operator in ["QuantizeLinear", "DequantizeLinear"] {
        assert!(count(&bytes, operator.as_bytes()) > 8, "{operator}");
    }
    for words in [
        "mien.quantized_from",
        float["sha256"].as_str().unwrap(),
        "mien.quantization",
    ] {
        assert_eq!(count(&bytes, words.as_bytes()), 1, "{words}");
    }
    for key in [
        "mien.labels",
        "mien.recipe",
        "mien.weights",
        "mien.accuracy",
    ] {
        assert_eq!(count(&bytes, key.as_bytes()), 1, "{key}");
    }
    assert_eq!(report["calibration_faces"], 7);
    assert_eq!(report["holdout"]["faces"], 7);
    assert_eq!(report["test"]["paired"]["faces"], 28);
    assert_eq!(
        report["test"]["paired"]["float"]["accuracy"],
        float["test"]["accuracy"]
    );
    assert_eq!(report["judged_files"], 2);
    let lowest = report["methods"].as_array().unwrap().iter();
    let lowest = lowest.map(|method| method["log_loss"].as_f64().unwrap());
    let lowest = lowest.fold(f64::INFINITY, f64::min);
    assert_eq!(report["holdout"]["int8"]["log_loss"].as_f64(), Some(lowest));
    let card = fs::read_to_string(out.with_file_name("README.md")).unwrap();
    for words in [
        report["sha256"].as_str().unwrap(),
        "PrivateTest",
        "labels changed",
        "min-max",
    ] {
        assert!(card.contains(words), "`{words}` is not in {card}");
    }
    assert!(is_png(&out.with_file_name("confusion.png")));
}

#[test]
fn networks_with_kept_batch_norms_and_views_are_quantised() {
    for (architecture, export) in [
        ("densenet-20-4-c05", &[][..]),
        (
            "resnet-d-8-8x1-16x2",
            &["--views", "flip", "--weights", "fp16"],
        ),
        ("vgg-8x2-16x1", &["--no-fuse"]),
    ] {
        let difference = Fixture::new(architecture, export).difference();
        assert!(
            difference > 0.0 && difference < 0.05,
            "{architecture}: {difference}"
        );
    }
}

#[test]
fn loss_above_maximum_writes_no_file() {
    let fixture = Fixture::new("resnet-8-v1", &[]);
    let out = fixture.int8();
    // The INT8 file would have to be one nat better than the float file.
    fails_with(
        &fixture.quantize(&out, &["--max-loss=-1"]),
        &[
            "7 held-out faces",
            "--max-loss allows -1",
            "no file was written",
        ],
    );
    fails_with(&fixture.quantize(&out, &["--max-loss", "nan"]), &["finite"]);
    assert!(!out.parent().unwrap().exists());
}

#[test]
fn unsuitable_models_are_rejected() {
    let fixture = Fixture::new("resnet-8-v1", &[]);
    let root = fixture.folder.path();
    let out = fixture.int8();
    fails_with(
        &fixture.quantize(&fixture.float.with_file_name("int8.onnx"), &[]),
        &["folder of the float model", "--out"],
    );
    succeeds(&fixture.quantize(&out, &["--max-loss", "1"]));
    let data = text(&fixture.data);
    let again = root.join("models/again/1/model.onnx");
    let quantize = |model: &Path| {
        [
            "quantize",
            text(model),
            "--data",
            data,
            "--out",
            text(&again),
        ]
        .map(str::to_owned)
    };
    let rejected = |model: &Path, words: &[&str]| {
        let args = quantize(model);
        fails_with(&args.each_ref().map(String::as_str), words);
    };
    rejected(&out, &["already quantised"]);
    rejected(&root.join("missing.onnx"), &["cannot read", "missing.onnx"]);

    let (run, all) = (root.join("all"), root.join("models/all/1/model.onnx"));
    let recipe = recipe_with(root, "holdout = 0.0\n");
    succeeds(&train_small(&fixture.data, &recipe, &run));
    succeeds(&["export", text(&run), "--out", text(&all)]);
    rejected(&all, &["holdout = 0", "--holdout"]);

    fs::remove_file(fixture.data.join("train/sad/Training_0.png")).unwrap();
    rejected(&fixture.float, &["SHA-256", "data set of the model"]);
    assert!(!again.exists());
}
