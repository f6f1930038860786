//! Trains a few steps on the device and compares the weights' held-out loss with that on the CPU.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde_json::Value;

use super::{
    device::{Device, hide_gpus},
    programs::Programs,
    report::Check,
};
use crate::workspace::check;

/// The network, the smallest one.
const NETWORK: &str = "resnet-20-v1";

/// The recipe without the precision. With faces of 48 px, the history and the export contain the loss of the same images. The
/// other values keep the loss of the first steps small: the export limits the loss of a face to that of the probability 2^-23.
const RECIPE: &str = "\
epochs = 1
batch = 32
holdout = 0.3
learning_rate = 0.02
clip_norm = 1.0
ema = 0.5
zero_init_residual = true
sizes = [{ until = 1.0, side = 48 }]
";

/// Maximum difference between ONNX Runtime and libtorch on the CPU. `mien-train export` fails above this limit.
const MAX_EXPORT_DIFFERENCE: f64 = 1e-4;

/// A precision of training and the maximum relative difference of the held-out loss from that on the CPU, which is computed in
/// fp32.
pub(super) struct Precision {
    /// Value of the recipe key `precision`.
    pub(super) name: &'static str,
    max_difference: f64,
}

/// fp32 without TF32. On a CPU the difference is 1.6e-9.
pub(super) const FP32: Precision = Precision {
    name: "fp32",
    max_difference: 1e-4,
};

/// The default, which is bf16 on a GPU. In bf16 on a CPU the difference is 1.4e-4.
pub(super) const AUTO: Precision = Precision {
    name: "auto",
    max_difference: 5e-3,
};

/// The folders that a training uses.
pub(super) struct Folders {
    /// The data set.
    pub(super) data: PathBuf,
    /// The folder of the run. It must not exist.
    pub(super) run: PathBuf,
    /// The model file to write.
    pub(super) model: PathBuf,
}

/// Trains for one epoch of a few steps on the device. Exports the weights, which evaluates them on the CPU, and compares both results.
///
/// # Errors
/// Returns an error if the training or the export fails, or a result cannot be read.
pub(super) fn run(
    programs: &Programs,
    device: Device,
    precision: &Precision,
    folders: &Folders,
) -> Result<Vec<Check>> {
    train(programs, device, precision, folders)?;
    let mut export = programs.trainer();
    hide_gpus(&mut export);
    export
        .arg("export")
        .arg(&folders.run)
        .args(["--temperature", "1", "--out"])
        .arg(&folders.model);
    check(export)?;
    checks(precision, device, folders)
}

fn train(
    programs: &Programs,
    device: Device,
    precision: &Precision,
    folders: &Folders,
) -> Result<()> {
    let recipe = folders.run.with_extension("toml");
    let text = format!("{RECIPE}precision = \"{}\"\n", precision.name);
    fs::write(&recipe, text).with_context(|| format!("cannot write {}", recipe.display()))?;
    let mut train = programs.trainer();
    device.select(&mut train);
    if precision.name == FP32.name {
        // cuDNN rounds fp32 to TF32 unless this variable of the NVIDIA libraries is 0.
        train.env("NVIDIA_TF32_OVERRIDE", "0");
    }
    train
        .args(["train", "--arch", NETWORK, "--data"])
        .arg(&folders.data)
        .arg("--recipe")
        .arg(&recipe)
        .arg("--out")
        .arg(&folders.run);
    check(train)
}

/// Reads the results of the training and the export.
fn checks(precision: &Precision, device: Device, folders: &Folders) -> Result<Vec<Check>> {
    let environment = json(&folders.run.join("run.json"), "/workplaces/0")?;
    let trained_on = environment["device"].as_str().unwrap_or_default();
    let used = environment["precision"].as_str().unwrap_or_default();
    let on_device = history_loss(&folders.run.join("history.csv"))?;
    let report = folders.model.with_file_name("report.json");
    // The temperature is 1, so `before` and `after` are equal.
    let on_cpu = number(&report, "/holdout/before/log_loss")?;
    let parity = number(&report, "/parity")?;
    let (name, difference) = (precision.name, (on_device / on_cpu - 1.0).abs());
    Ok(vec![
        Check::equal(
            format!("device of the training ({name})"),
            trained_on,
            device.trained(),
        ),
        Check::at_most(
            format!("held-out loss of the training ({name}), relative difference from the CPU"),
            difference,
            precision.max_difference,
            format!("{difference:.1e} ({on_device:.6} in {used}; CPU {on_cpu:.6})"),
        ),
        Check::at_most(
            format!("exported file ({name}), ONNX Runtime and libtorch"),
            parity,
            MAX_EXPORT_DIFFERENCE,
            format!("{parity:.1e}"),
        ),
    ])
}

/// Returns the held-out loss of the averaged weights after the last epoch.
fn history_loss(path: &Path) -> Result<f64> {
    let read = || -> Result<f64> {
        let mut reader = csv::Reader::from_path(path)?;
        let column = reader
            .headers()?
            .iter()
            .position(|name| name == "holdout_loss")
            .context("the column `holdout_loss` is missing")?;
        let last = reader.records().last().context("no epoch is finished")??;
        Ok(last[column].parse()?)
    };
    read().with_context(|| format!("cannot read {}", path.display()))
}

/// Returns a value of a JSON file.
fn json(path: &Path, pointer: &str) -> Result<Value> {
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let document: Value = serde_json::from_slice(&text)
        .with_context(|| format!("{} is not valid JSON", path.display()))?;
    let value = document.pointer(pointer).cloned();
    value.with_context(|| format!("{} does not have the value {pointer}", path.display()))
}

fn number(path: &Path, pointer: &str) -> Result<f64> {
    let value = json(path, pointer)?;
    let number = value.as_f64();
    number.with_context(|| format!("{pointer} of {} is not a number", path.display()))
}
