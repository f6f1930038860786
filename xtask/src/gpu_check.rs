//! `cargo xtask gpu-check`: trains and serves on a GPU, compares the results with those of the CPU and writes a report.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::SystemTime,
};

use anyhow::{Context, Result};
use clap::Args;

use crate::{
    setup,
    workspace::{built, root},
};
use device::Device;
use nvidia_smi::Gpu;
use programs::Programs;
use report::Report;
use requirements::Host;
use serving::Servers;
use training::{Folders, Precision};

mod comparison;
mod device;
mod faces;
mod fallback;
mod nvidia_smi;
mod programs;
mod report;
mod requirements;
mod server;
mod serving;
mod speed;
mod training;

/// Exit code if a usable GPU was not found.
const NO_GPU: u8 = 3;

/// Shipped models that are compared: the default model, whose graph mirrors the image, the model for speed, and a DenseNet.
const SHIPPED: [&str; 3] = ["flagship", "student", "densenet-100-12-c05"];

/// Models whose speed is measured.
const MEASURED: [&str; 2] = ["flagship", "student"];

/// Name of the exported model in the servers.
const EXPORTED: &str = "gpu-check";

/// Flags of `cargo xtask gpu-check`.
#[derive(Debug, Args)]
pub(crate) struct GpuCheckArgs {
    /// cuda, cuda:N (the GPU with the index N of nvidia-smi), or cpu, which rehearses all steps on a machine without a GPU.
    #[arg(long, default_value = "cuda:0")]
    device: Device,
    /// File of the report [default: gpu-check.md in the target directory].
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Use `mien` and `mien-train` of this directory instead of building them.
    #[arg(long, value_name = "DIR")]
    binaries: Option<PathBuf>,
}

/// Runs `cargo xtask gpu-check`. The exit code is 0 if all checks passed, 1 if a check failed, and 3 without a usable GPU.
///
/// # Errors
/// Returns an error if the setup or a build fails, or the report cannot be written. A broken step of the check itself is a
/// failed check.
pub(crate) fn run(args: &GpuCheckArgs) -> Result<ExitCode> {
    let gpu = match args.device {
        Device::Cpu => None,
        Device::Cuda(index) => match Host::here().gpu(index) {
            Ok(gpu) => Some(gpu),
            Err(missing) => {
                eprintln!("xtask: no usable GPU\n- {}", missing.join("\n- "));
                return Ok(ExitCode::from(NO_GPU));
            }
        },
    };
    let programs = programs(args)?;
    let mut report = Report {
        facts: facts(args.device, gpu),
        ..Report::default()
    };
    let work = tempfile::tempdir().context("cannot create a temporary directory")?;
    let data = work.path().join("data");
    faces::write(&data)?;
    let models = work.path().join("models");
    link_models(&models)?;
    train(&programs, args.device, work.path(), &mut report);
    serve(&programs, args.device, work.path(), &mut report);
    step(&mut report, "fallback of --device auto", || {
        fallback::auto(&programs, &models, MEASURED[1])
    });
    step(&mut report, "error of --device cuda:0", || {
        fallback::cuda(&programs, &models)
    });
    finish(args, &report)
}

/// Installs the CUDA libraries for a GPU, and builds the programs unless the user names a directory with programs.
fn programs(args: &GpuCheckArgs) -> Result<Programs> {
    if args.device != Device::Cpu {
        setup::run(true, false)?;
    }
    match &args.binaries {
        Some(folder) => Programs::find(folder),
        None => Programs::build(),
    }
}

/// Links the shipped models into a new repository, to which the exported model is added.
fn link_models(models: &Path) -> Result<()> {
    fs::create_dir(models).with_context(|| format!("cannot create {}", models.display()))?;
    for name in SHIPPED {
        symlink(root().join("models").join(name), models.join(name))
            .with_context(|| format!("cannot link the model {name}"))?;
    }
    Ok(())
}

/// Trains in both precisions. Only the export of the first is served.
fn train(programs: &Programs, device: Device, work: &Path, report: &mut Report) {
    let served = work.join("models").join(EXPORTED).join("1/model.onnx");
    let unserved = work.join("exported/model.onnx");
    let runs: [(&Precision, PathBuf); 2] = [(&training::FP32, served), (&training::AUTO, unserved)];
    for (precision, model) in runs {
        let folders = Folders {
            data: work.join("data"),
            run: work.join(format!("run-{}", precision.name)),
            model,
        };
        let name = format!("training in {}", precision.name);
        step(report, &name, || {
            training::run(programs, device, precision, &folders)
        });
    }
}

/// Serves all models on both devices, compares their predictions and measures their speed.
fn serve(programs: &Programs, device: Device, work: &Path, report: &mut Report) {
    let (models, faces) = (work.join("models"), work.join("data/test"));
    let mut servers = match Servers::start(programs, &models, device) {
        Ok(servers) => servers,
        Err(error) => return report.add("serving", Err(error)),
    };
    // If the export failed, a check has already failed.
    let exported = models.join(EXPORTED).exists().then_some(EXPORTED);
    for model in SHIPPED.into_iter().chain(exported) {
        step(report, &format!("{model}: predictions"), || {
            serving::run(programs, &mut servers, model, device, &faces, work)
        });
    }
    for model in MEASURED {
        eprintln!("== speed of {model}");
        match speed::run(programs, &servers, model) {
            Ok(speed) => report.speeds.push(speed),
            Err(error) => report.add(&format!("{model}: speed"), Err(error)),
        }
    }
}

/// Runs a step and adds its checks to the report.
fn step(report: &mut Report, name: &str, run: impl FnOnce() -> Result<Vec<report::Check>>) {
    eprintln!("== {name}");
    report.add(name, run());
}

/// Describes the machine and the programs.
fn facts(device: Device, gpu: Option<Gpu>) -> Vec<(&'static str, String)> {
    let processor = format!(
        "{}, {} cores",
        mien_host::cpu::description(),
        mien_host::cpu::available_cores()
    );
    let mut facts = vec![
        (
            "date",
            humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        ),
        ("mien", version()),
        ("device", device.to_string()),
        ("processor", processor),
    ];
    if let Some(gpu) = gpu {
        let Gpu {
            name,
            memory,
            capability,
            driver,
        } = gpu;
        facts.push((
            "GPU",
            format!("{name}, {memory}, compute capability {capability}"),
        ));
        facts.push(("NVIDIA driver", driver));
    }
    facts.push(("libraries", setup::library_versions()));
    facts
}

/// Returns the version and the commit of the checkout.
fn version() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut git = Command::new("git");
    git.current_dir(root())
        .args(["describe", "--always", "--dirty"]);
    match git.output() {
        Ok(output) if output.status.success() => {
            let commit = String::from_utf8_lossy(&output.stdout);
            format!("{version}, commit {}", commit.trim())
        }
        _ => version.to_owned(),
    }
}

/// Writes and prints the report.
fn finish(args: &GpuCheckArgs, report: &Report) -> Result<ExitCode> {
    let page = report.markdown(&args.device.to_string());
    let path = args.report.clone().unwrap_or_else(|| built("gpu-check.md"));
    fs::write(&path, &page).with_context(|| format!("cannot write {}", path.display()))?;
    eprintln!("\n{page}\nthe report is in {}", path.display());
    Ok(match report.failed() {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}
