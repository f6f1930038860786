//! The runtime libraries in `.runtime/`: which there are, and what each needs beyond its wheels.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{
    wheel::pip_download,
    workspace::{self, cargo, runtime},
};
use component::Component;

mod component;
mod pins;
pub(crate) mod tools;

const ONNX_RUNTIME: Component =
    Component { folder: "onnxruntime", wheels: pins::ONNX_RUNTIME, finish: link_onnx_runtime };
const ONNX_RUNTIME_GPU: Component =
    Component { folder: "onnxruntime", wheels: pins::ONNX_RUNTIME_GPU, finish: link_onnx_runtime };
const LIBTORCH: Component =
    Component { folder: "libtorch", wheels: pins::LIBTORCH, finish: finish_libtorch };
const LIBTORCH_GPU: Component =
    Component { folder: "libtorch", wheels: pins::LIBTORCH_GPU, finish: finish_libtorch };
const NVIDIA: Component = Component { folder: "nvidia", wheels: pins::NVIDIA, finish: |_| Ok(()) };
const NVIDIA_TRAINING: Component =
    Component { folder: "nvidia-training", wheels: pins::NVIDIA_TRAINING, finish: |_| Ok(()) };

/// `cargo xtask setup`: fetches what is not there yet, for the server alone or for training too.
///
/// # Errors
/// Where a tool is missing, the network or the disk fails, or a file is not the pinned one.
pub(crate) fn run(gpu: bool, serving: bool) -> Result<()> {
    if gpu {
        install(&NVIDIA)?;
        install(&ONNX_RUNTIME_GPU)?;
    } else {
        onnx_runtime()?;
    }
    if !serving {
        if gpu { libtorch_gpu()? } else { libtorch()? }
    }
    eprintln!("the runtime libraries are in {}", runtime().display());
    Ok(())
}

/// Makes sure that ONNX Runtime is there: either build, or the user's own.
///
/// # Errors
/// As [`run`].
pub(crate) fn onnx_runtime() -> Result<()> {
    let ours = runtime().join("onnxruntime/libonnxruntime.so");
    if is_overridden("ORT_DYLIB_PATH", &ours) || ONNX_RUNTIME_GPU.is_whole(&runtime()) {
        return Ok(());
    }
    install(&ONNX_RUNTIME)
}

/// Makes sure that libtorch is there: either build, or the user's own.
///
/// # Errors
/// As [`run`].
pub(crate) fn libtorch() -> Result<()> {
    let ours = LIBTORCH.path(&runtime());
    if is_overridden("LIBTORCH", &ours) || LIBTORCH_GPU.is_whole(&runtime()) {
        return Ok(());
    }
    if !LIBTORCH.is_whole(&runtime()) {
        require_compilers()?;
    }
    install(&LIBTORCH)
}

/// Makes sure that libtorch's CUDA build is there.
fn libtorch_gpu() -> Result<()> {
    if LIBTORCH_GPU.is_whole(&runtime()) {
        return Ok(());
    }
    require_compilers()?;
    install(&NVIDIA_TRAINING)?;
    install(&LIBTORCH_GPU)?;
    // Its bindings look for the CUDA libraries once, when they are built, and would not look again.
    for profile in ["dev", "release"] {
        workspace::check(cargo(&[
            "clean",
            "--quiet",
            "--profile",
            profile,
            "--package",
            "torch-sys",
        ]))?;
    }
    Ok(())
}

/// The folders that the loader must know where the CUDA builds are installed.
pub(crate) fn nvidia() -> impl Iterator<Item = PathBuf> {
    let components = [NVIDIA, NVIDIA_TRAINING].into_iter();
    components.filter(|part| part.is_whole(&runtime())).map(|part| part.path(&runtime()))
}

fn install(component: &Component) -> Result<()> {
    ensure!(
        component.is_whole(&runtime()) || is_supported(),
        "the pinned runtime libraries are for Linux on x86-64; elsewhere install ONNX Runtime 1.22 or newer and \
         libtorch 2.13 by hand and name them in ORT_DYLIB_PATH and LIBTORCH"
    );
    component.ensure(&runtime(), pip_download)
}

/// Whether the pinned wheels run on this platform.
fn is_supported() -> bool {
    cfg!(all(target_os = "linux", target_arch = "x86_64"))
}

/// Whether the user has named a library of their own in the variable.
fn is_overridden(variable: &str, ours: &Path) -> bool {
    std::env::var_os(variable).is_some_and(|value| Path::new(&value) != ours)
}

/// The command of a compiler: the user's, or the usual one.
fn compiler(variable: &str, usual: &str) -> OsString {
    std::env::var_os(variable).unwrap_or_else(|| usual.into())
}

/// Asks for the compilers of libtorch's bindings before the download, not after it.
fn require_compilers() -> Result<()> {
    for (variable, usual) in [("CC", "cc"), ("CXX", "c++")] {
        let program = compiler(variable, usual);
        let output = Command::new(&program).arg("--version").output();
        ensure!(
            output.is_ok_and(|output| output.status.success()),
            "`{}` does not run: a C and a C++ compiler are needed to build against libtorch. \
             Debian, Ubuntu: apt-get install build-essential; Fedora: dnf install gcc gcc-c++. \
             CC and CXX name others",
            program.display()
        );
    }
    Ok(())
}

/// A name without a version, for whoever loads the library.
fn link_onnx_runtime(folder: &Path) -> Result<()> {
    let versioned = format!("libonnxruntime.so.{}", pins::ONNX_RUNTIME_VERSION);
    ensure!(folder.join(&versioned).is_file(), "the wheel has no {versioned}");
    symlink(&versioned, &folder.join("libonnxruntime.so"))
}

/// What `tch` links against beyond the wheel's libraries.
fn finish_libtorch(folder: &Path) -> Result<()> {
    let lib = folder.join("lib");
    symlink("libgomp.so.1", &lib.join("libgomp.so"))?;
    fs::write(folder.join("build-version"), pins::TORCH_VERSION)?;
    // `-ltorch` is an umbrella without code of its own; an empty library serves as well.
    let mut command = Command::new(compiler("CC", "cc"));
    command.args(["-shared", "-x", "c", "/dev/null", "-o"]).arg(lib.join("libtorch.so"));
    workspace::check(command)
}

fn symlink(target: &str, link: &Path) -> Result<()> {
    std::os::unix::fs::symlink(target, link)
        .with_context(|| format!("cannot make {}", link.display()))
}
