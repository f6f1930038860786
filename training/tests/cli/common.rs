//! Helpers of the command line tests.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::LazyLock,
};

use mien_faces::image::{Face, Limits, decode};
use mien_training::onnx::session::{Model, Outputs, Runtime};
use tch::Tensor;

/// Classes, which are also the file names of the fixture faces.
pub(crate) const CLASSES: [&str; 7] = [
    "angry", "disgust", "fear", "happy", "neutral", "sad", "surprise",
];

/// ONNX Runtime. A process can load it only once.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::load().unwrap());

/// Returns the fixture face of a class.
pub(crate) fn face(class: &str) -> Face {
    let faces = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/faces");
    let png = fs::read(faces.join(format!("{class}.png"))).unwrap();
    decode(&png, &Limits::default()).unwrap().to_face(48)
}

/// Runs a model file with ONNX Runtime on one batch of faces.
pub(crate) fn infer(model: &Path, faces: &[Face]) -> Outputs {
    Model::open(&RUNTIME, &fs::read(model).unwrap())
        .unwrap()
        .run(faces)
        .unwrap()
}

/// Reads a JSON file.
pub(crate) fn json(path: &Path) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Creates a data set from the fixture faces: one face and its mirror image per class, named as in FER2013.
pub(crate) fn data_set(root: &Path) -> PathBuf {
    let faces = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/faces");
    let data = root.join("fer");
    for class in CLASSES {
        for (split, usage) in [
            ("train", "Training"),
            ("test", "PublicTest"),
            ("test", "PrivateTest"),
        ] {
            let folder = data.join(split).join(class);
            fs::create_dir_all(&folder).unwrap();
            let face = image::open(faces.join(format!("{class}.png"))).unwrap();
            face.save(folder.join(format!("{usage}_0.png"))).unwrap();
            face.fliph()
                .save(folder.join(format!("{usage}_1.png")))
                .unwrap();
        }
    }
    data
}

pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mien-train"));
    command.args(args).stdin(Stdio::null());
    command
}

pub(crate) fn run(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

#[track_caller]
pub(crate) fn succeeds(args: &[&str]) -> String {
    let output = run(args);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a training command that saves a checkpoint and stops after `steps` steps.
#[track_caller]
pub(crate) fn stops_after(steps: &str, args: &[&str]) {
    let output = run(&[args, &["--max-steps", steps]].concat());
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        output.status.code(),
        Some(3),
        "saved, not finished: {message}"
    );
}

/// Sends SIGINT and checks that the process exits with 3.
#[cfg(unix)]
#[track_caller]
pub(crate) fn interrupt(child: &mut Child) {
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(3));
}

#[track_caller]
pub(crate) fn fails_with(args: &[&str], words: &[&str]) {
    let output = run(args);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{args:?} succeeded");
    assert!(!message.contains("panicked"), "{message}");
    for word in words {
        assert!(message.contains(word), "`{word}` is not in: {message}");
    }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub(crate) fn train<'a>(
    arch: &'a str,
    data: &'a Path,
    recipe: &'a Path,
    out: &'a Path,
) -> Vec<&'a str> {
    let fixed = [
        "train",
        "--arch",
        arch,
        "--threads",
        "1",
        "--save-every",
        "0",
    ];
    [
        &fixed[..],
        &[
            "--data",
            text(data),
            "--recipe",
            text(recipe),
            "--out",
            text(out),
        ],
    ]
    .concat()
}

/// Returns the arguments that train the small network of most tests.
pub(crate) fn train_small<'a>(data: &'a Path, recipe: &'a Path, out: &'a Path) -> Vec<&'a str> {
    train("resnet-8-v1", data, recipe, out)
}

pub(crate) fn resume(out: &Path) -> Vec<&str> {
    vec![
        "train",
        "--resume",
        "--threads",
        "1",
        "--save-every",
        "0",
        "--out",
        text(out),
    ]
}

/// Returns the tensors of a run's checkpoint without its state, which contains durations.
pub(crate) fn tensors(run: &Path) -> BTreeMap<String, Vec<f32>> {
    let tensors = Tensor::read_safetensors(run.join("checkpoint.safetensors")).unwrap();
    let values = |t: Tensor| Vec::<f32>::try_from(t.flatten(0, -1)).unwrap();
    tensors
        .into_iter()
        .filter(|(name, _)| name != "state.json")
        .map(|(name, t)| (name, values(t)))
        .collect()
}

/// Writes a recipe with four epochs of three steps, at 24 and 48 px.
pub(crate) fn recipe(root: &Path) -> PathBuf {
    let path = root.join("recipe.toml");
    let text = "epochs = 4\nbatch = 4\nseed = 3\nlearning_rate = 0.02\nprecision = \"fp32\"\n\
                sizes = [{ until = 0.5, side = 24 }, { until = 1.0, side = 48 }]\n";
    fs::write(&path, text).unwrap();
    path
}

/// Eight epochs of three steps, half of them at 24 and half at 48 px.
const BASE: &str = "epochs = 8\nbatch = 4\nseed = 3\nlearning_rate = 0.001\nprecision = \"fp32\"\n\
                    sizes = [{ until = 0.5, side = 24 }, { until = 1.0, side = 48 }]\n";

/// Writes a recipe with [`BASE`] and additional keys.
pub(crate) fn recipe_with(root: &Path, keys: &str) -> PathBuf {
    let path = root.join("recipe.toml");
    fs::write(&path, format!("{BASE}{keys}")).unwrap();
    path
}

/// Returns whether a file is a PNG image.
pub(crate) fn is_png(path: &Path) -> bool {
    fs::read(path).unwrap().starts_with(b"\x89PNG\r\n\x1a\n")
}

/// Returns how often a word occurs in bytes.
pub(crate) fn count(bytes: &[u8], word: &[u8]) -> usize {
    bytes
        .windows(word.len())
        .filter(|window| *window == word)
        .count()
}
