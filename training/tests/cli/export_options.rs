//! `mien-train export --views flip` and `--weights fp16`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use mien_faces::image::Face;
use mien_training::tta::View;
use serde_json::Value;

use crate::common::{
    CLASSES, count, data_set, face, infer, json, recipe_with, succeeds, text, train, train_small,
};

/// Trains the small network with half of its faces held out and returns the data set and the run's folder.
fn trained(root: &Path) -> (PathBuf, PathBuf) {
    let (data, recipe) = (
        data_set(root),
        recipe_with(root, "holdout = 0.5\ntta = \"flip\"\n"),
    );
    let run = root.join("run");
    succeeds(&train_small(&data, &recipe, &run));
    (data, run)
}

/// Exports a run to the model NAME and returns the path of its file.
fn export(run: &Path, name: &str, options: &[&str]) -> PathBuf {
    let model = run.with_file_name("models").join(name).join("1/model.onnx");
    succeeds(&[&["export", text(run), "--out", text(&model)], options].concat());
    model
}

fn report(model: &Path) -> Value {
    json(&model.with_file_name("report.json"))
}

fn size(model: &Path) -> f64 {
    fs::metadata(model).unwrap().len() as f64
}

/// Returns how often a file contains this metadata entry.
fn metadata(model: &Path, key: &str, value: &str) -> usize {
    let entry = format!("{key}\x12{}{value}", value.len() as u8 as char);
    count(&fs::read(model).unwrap(), entry.as_bytes())
}

fn faces() -> Vec<Face> {
    CLASSES.iter().map(|class| face(class)).collect()
}

#[track_caller]
fn assert_close(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= tolerance, "{a} {b}");
    }
}

/// Returns `softmax(logits / temperature)` of each face.
fn tempered(logits: &[f32], temperature: f32) -> Vec<f32> {
    let row = |row: &[f32]| {
        let powers: Vec<f32> = row.iter().map(|z| (z / temperature).exp()).collect();
        let sum: f32 = powers.iter().sum();
        powers
            .into_iter()
            .map(|power| power / sum)
            .collect::<Vec<_>>()
    };
    logits.chunks(CLASSES.len()).flat_map(row).collect()
}

#[test]
fn two_view_file_averages_face_and_mirror_image() {
    let folder = tempfile::tempdir().unwrap();
    let (_, run) = trained(folder.path());
    let temperature = ["--temperature", "1.5"];
    let single = export(&run, "single", &temperature);
    let flip = export(
        &run,
        "flip",
        &[&temperature[..], &["--views", "flip"]].concat(),
    );

    let faces = faces();
    let mirror = View {
        flip: true,
        shift: (0, 0),
    };
    let mirrored: Vec<Face> = faces.iter().map(|face| mirror.apply(face)).collect();
    let [one, other] = [&faces, &mirrored].map(|faces| infer(&single, faces).probabilities);
    let mean: Vec<f32> = one
        .iter()
        .zip(&other)
        .map(|(a, b)| f32::midpoint(*a, *b))
        .collect();
    assert!(
        one.iter().zip(&mean).any(|(a, b)| (a - b).abs() > 1e-3),
        "the mirror image differs"
    );
    let batch = infer(&flip, &faces);
    assert_close(&batch.probabilities, &mean, 1e-5);
    assert_close(&batch.probabilities, &tempered(&batch.logits, 1.5), 1e-5);
    for (face, row) in faces.iter().zip(mean.chunks(CLASSES.len())) {
        assert_close(
            &infer(&flip, std::slice::from_ref(face)).probabilities,
            row,
            1e-5,
        );
    }

    assert_eq!(
        (
            metadata(&single, "mien.views", "1"),
            metadata(&flip, "mien.views", "2")
        ),
        (1, 1)
    );
    let card = fs::read_to_string(flip.with_file_name("README.md")).unwrap();
    assert!(
        card.contains("| views per face | 2 |") && card.contains("--views flip"),
        "{card}"
    );
    let report = report(&flip);
    assert_eq!(report["views"], "flip");
    assert!(
        report["test"]["tta"].is_null(),
        "the file's own figures include the average"
    );
    let compared = succeeds(&["compare", text(&run)]);
    let views = compared
        .lines()
        .find(|line| line.starts_with("exported views"))
        .unwrap();
    assert!(views.ends_with(" 2"), "{compared}");
}

#[test]
fn two_view_temperature_fits_the_averaged_probabilities() {
    let folder = tempfile::tempdir().unwrap();
    let (data, run) = trained(folder.path());
    let fitted = report(&export(&run, "single", &[]))["temperature"]["value"].to_string();
    let flip = export(&run, "flip", &["--views", "flip"]);
    let of_single = export(
        &run,
        "other",
        &["--views", "flip", "--temperature", &fitted],
    );
    let loss = |model: &Path| {
        report(model)["holdout"]["after"]["log_loss"]
            .as_f64()
            .unwrap()
    };
    assert_ne!(report(&flip)["temperature"]["value"].to_string(), fitted);
    assert!(
        loss(&flip) < loss(&of_single),
        "{} {}",
        loss(&flip),
        loss(&of_single)
    );

    // A file with two views can be a teacher.
    let keys = format!(
        "[distill]\nteachers = [{:?}]\ntargets = \"cached\"\n",
        text(&flip)
    );
    let distilled = recipe_with(folder.path(), &keys);
    let student = folder.path().join("student");
    succeeds(&train("resnet-8-v1", &data, &distilled, &student));
}

#[test]
fn float16_file_is_half_as_large_and_agrees() {
    let folder = tempfile::tempdir().unwrap();
    let (_, run) = trained(folder.path());
    let options = ["--views", "flip", "--precise-bn"];
    let full = export(&run, "full", &options);
    let half = export(
        &run,
        "half",
        &[&options[..], &["--weights", "fp16"]].concat(),
    );
    assert!(
        size(&half) < 0.6 * size(&full),
        "{} {}",
        size(&half),
        size(&full)
    );

    let [before, after] = [&full, &half].map(|model| infer(model, &faces()));
    assert_ne!(
        before.probabilities, after.probabilities,
        "weights were rounded"
    );
    assert_close(&after.probabilities, &before.probabilities, 1e-3);
    let report = report(&half);
    assert_eq!(
        (&report["weights"], &report["rounding"]["faces"]),
        (&"float16".into(), &7.into())
    );
    let difference = report["rounding"]["difference"].as_f64().unwrap();
    assert!(difference > 0.0 && difference <= 1e-3, "{report}");
    assert_eq!(metadata(&full, "mien.weights", "float32"), 1);
    assert_eq!(metadata(&half, "mien.weights", "float16"), 1);
    let card = fs::read_to_string(half.with_file_name("README.md")).unwrap();
    for words in [
        "| stored weights | float16",
        "--precise-bn --views flip --weights fp16",
    ] {
        assert!(card.contains(words), "`{words}` is not in {card}");
    }
}
