//! `mien-train import-keras` on small models that Keras saved (`fixtures/keras/make.py`).

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::LazyLock,
};

use mien_training::keras;
use proptest::prelude::*;

const KERAS_2: &str = "keras2-densenet-12-4-c05-b2.h5";
const KERAS_3: &str = "keras3-resnet-8-v1.h5";
const WEIGHTS_ALONE: &str = "keras3-densenet-12-4-c05-b2.weights.h5";
const WEIGHTS_2_13: &str = "keras2.13-densenet-12-4-c05-b2.weights.h5";
const FLOAT16: &str = "keras2.13-float16-densenet-12-4-c05-b2.weights.h5";
const BFLOAT16: &str = "keras2.13-bfloat16-densenet-12-4-c05-b2.weights.h5";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/keras")
        .join(name)
}

/// Returns the path of the images and Keras outputs for a fixture.
fn outputs(name: &str) -> PathBuf {
    let name = if name == WEIGHTS_2_13 {
        WEIGHTS_ALONE
    } else {
        name
    };
    fixture(&format!("{}.npz", name.split('.').next().unwrap()))
}

fn import(file: &Path, out: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mien-train"));
    command
        .arg("import-keras")
        .arg(file)
        .arg("--out")
        .arg(out)
        .args(more);
    command.stdin(Stdio::null()).output().unwrap()
}

#[track_caller]
fn fails_with(file: &Path, more: &[&str], words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("model.onnx");
    let output = import(file, &out, more);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && !out.exists());
    assert!(!message.contains("panicked"), "{message}");
    for word in words {
        assert!(message.contains(word), "`{word}` is not in: {message}");
    }
}

#[test]
fn imported_models_match_keras_outputs() {
    let folder = tempfile::tempdir().unwrap();
    for (file, name, more) in [
        (
            KERAS_2,
            "densenet-12-4-c05-b2: 7815 parameters, saved by Keras 2.15",
            vec![],
        ),
        (
            KERAS_3,
            "resnet-8-v1: 81767 parameters, saved by Keras 3.",
            vec![],
        ),
        (
            WEIGHTS_ALONE,
            "densenet-12-4-c05-b2: 7815 p",
            vec!["--arch", "densenet-12-4-c05-b2"],
        ),
        (
            WEIGHTS_2_13,
            "densenet-12-4-c05-b2: 7815 p",
            vec!["--arch", "densenet-12-4-c05-b2"],
        ),
    ] {
        let out = folder.path().join(file).join("1/model.onnx");
        let check = outputs(file);
        let more = [&["--check", check.to_str().unwrap()], &more[..]].concat();
        let output = import(&fixture(file), &out, &more);
        assert!(
            output.status.success(),
            "{file}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let message = String::from_utf8(output.stdout).unwrap();
        for line in [
            name,
            "libtorch and ONNX Runtime differ",
            "Keras and ONNX Runtime differ",
        ] {
            assert!(message.contains(line), "`{line}` is not in: {message}");
        }
        assert!(out.exists());
    }
}

#[test]
fn float16_weights_are_imported() {
    let values = |name| {
        let bytes = fs::read(fixture(name)).unwrap();
        keras::decode(bytes, Some("densenet-12-4-c05-b2"))
            .unwrap()
            .values
    };
    let (half, single) = (values(FLOAT16), values(WEIGHTS_2_13));
    assert_eq!(half.len(), single.len());
    for (name, expected) in &single {
        for (actual, expected) in half[name].iter().zip(expected) {
            // float16 has 11 significant bits; the smallest subnormal number is 6e-8.
            let tolerance = expected.abs() / 2048.0 + 6e-8;
            assert!(
                (actual - expected).abs() <= tolerance,
                "{name}: {actual} {expected}"
            );
        }
    }
}

#[test]
fn unsupported_element_type_is_named() {
    fails_with(
        &fixture(BFLOAT16),
        &["--arch", "densenet-12-4-c05-b2"],
        &["bfloat16", "supported are float16, float32 and float64"],
    );
}

#[test]
fn check_with_outputs_of_other_model_fails() {
    // The images are 0..255 and are not whole gray levels for this model, so libtorch is compared.
    let other = outputs(KERAS_3);
    fails_with(
        &fixture(KERAS_2),
        &["--check", other.to_str().unwrap()],
        &["differs from Keras' own outputs", "no file was written"],
    );
    let not_npz = fixture(KERAS_2);
    fails_with(
        &fixture(KERAS_2),
        &["--check", not_npz.to_str().unwrap()],
        &["cannot use", "x [N"],
    );
}

#[test]
fn mismatch_reports_first_differing_layer() {
    let named = |name| ["--arch", name];
    fails_with(
        &fixture(KERAS_3),
        &named("resnet-14-v1"),
        &[
            "stack1.block2.conv1",
            "expected a convolution of 16 filters",
            "32 filters",
            "conv2d",
        ],
    );
    fails_with(
        &fixture(KERAS_2),
        &named("densenet-12-4-c05-b2-gap"),
        &["head.pool", "pool of 24x24", "pool of 4x4"],
    );
    fails_with(
        &fixture(WEIGHTS_ALONE),
        &named("densenet-12-8-c05-b2"),
        &["stem.conv", "[3, 3, 1, 16]", "[3, 3, 1, 8]"],
    );
    fails_with(
        &fixture(WEIGHTS_ALONE),
        &named("densenet-12-4-c05-b1"),
        &["densenet-12-4-c05-b1"],
    );
    fails_with(&fixture(WEIGHTS_ALONE), &[], &["only weights", "--arch"]);
    fails_with(
        &fixture(KERAS_2),
        &named("vgg"),
        &["vgg", "resnet-<6n+2>-v1"],
    );
}

#[test]
fn invalid_files_are_reported_by_cause() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.h5");
    fails_with(&path, &[], &["cannot read", "model.h5"]);
    fs::write(&path, "PK\x03\x04").unwrap();
    fails_with(&path, &[], &["not HDF5", "model.save"]);
    let bytes = fs::read(fixture(KERAS_2)).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    fails_with(&path, &[], &["damaged or cut off"]);

    // The file stores the kernel's values unchanged, so the first one can be replaced by NaN.
    let values = keras::decode(bytes.clone(), None).unwrap().values;
    let value = values["stem.conv.weight"][0].to_le_bytes();
    let at = bytes.windows(4).position(|window| window == value).unwrap();
    let mut damaged = bytes;
    damaged[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&path, damaged).unwrap();
    fails_with(&path, &[], &["`kernel`", "conv2d", "NaN"]);
}

static FILES: LazyLock<[Vec<u8>; 4]> = LazyLock::new(|| {
    [KERAS_2, KERAS_3, WEIGHTS_ALONE, FLOAT16].map(|name| fs::read(fixture(name)).unwrap())
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// A damaged file is read or rejected.
    #[test]
    fn damage_never_panics(
        file in 0..4_usize,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        early in any::<bool>(),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = FILES[file].clone();
        // The structures that refer to all others are at the beginning.
        let reach = if early { 8192.min(bytes.len()) } else { bytes.len() };
        for (at, value) in flips {
            bytes[at.index(reach)] = value;
        }
        if let Some(cut) = cut {
            let length = cut.index(bytes.len());
            bytes.truncate(length);
        }
        let _ = keras::decode(bytes, (file >= 2).then_some("densenet-12-4-c05-b2"));
    }
}
