//! The runtime libraries and the face detector in `.runtime/`, and the steps that each needs after its wheels are unpacked.

use std::{
    env::consts::{ARCH, OS},
    ffi::OsString,
    path::Path,
    process::Command,
};

use anyhow::{Result, ensure};

use crate::{
    wheel::pip,
    workspace::{self, cargo, runtime},
};
use component::Component;

mod component;
mod finish;
pub(crate) mod folder;
pub(crate) mod installed;
mod pins;
pub(crate) mod tools;

const ONNX_RUNTIME: Component = Component {
    folder: "onnxruntime",
    wheels: pins::ONNX_RUNTIME,
    finish: finish::link_onnx_runtime,
};
const ONNX_RUNTIME_GPU: Component = Component {
    folder: "onnxruntime",
    wheels: pins::ONNX_RUNTIME_GPU,
    finish: finish::link_onnx_runtime,
};
const LIBTORCH: Component = Component {
    folder: "libtorch",
    wheels: pins::LIBTORCH,
    finish: finish::finish_libtorch,
};
const LIBTORCH_GPU: Component = Component {
    folder: "libtorch",
    wheels: pins::LIBTORCH_GPU,
    finish: finish::finish_libtorch,
};
const YUNET: Component = Component {
    folder: "yunet",
    wheels: pins::YUNET,
    finish: |_| Ok(()),
};
const FFMPEG: Component = Component {
    folder: "ffmpeg",
    wheels: pins::FFMPEG,
    finish: finish::name_ffmpeg,
};
const OPENVINO: Component = Component {
    folder: "openvino",
    wheels: pins::OPENVINO,
    finish: finish::remove_copies_of_plugin,
};
const NVIDIA: Component = Component {
    folder: "nvidia",
    wheels: pins::NVIDIA,
    finish: |_| Ok(()),
};
const NVIDIA_TRAINING: Component = Component {
    folder: "nvidia-training",
    wheels: pins::NVIDIA_TRAINING,
    finish: |_| Ok(()),
};

/// Runs `cargo xtask setup`: installs the missing libraries, those of the trainer only if `serving` is false.
///
/// # Errors
/// Returns an error if a tool is missing, the network or the disk fails, or a file does not have the pinned hash.
pub(crate) fn run(gpu: bool, serving: bool) -> Result<()> {
    if gpu {
        install(&NVIDIA)?;
        install(&ONNX_RUNTIME_GPU)?;
    }
    self::serving()?;
    if !serving {
        if gpu { libtorch_gpu()? } else { libtorch()? }
    }
    eprintln!("the runtime libraries are in {}", runtime().display());
    Ok(())
}

/// Installs the files that the server uses: ONNX Runtime, the face detector and the OpenVINO plugin. The trainer needs ONNX
/// Runtime, too.
///
/// # Errors
/// Returns the errors of [`run`].
pub(crate) fn serving() -> Result<()> {
    onnx_runtime()?;
    face_detector()?;
    openvino_plugin()
}

/// Installs ONNX Runtime, unless one of its two builds is installed or the user has chosen a library.
fn onnx_runtime() -> Result<()> {
    let ours = runtime().join("onnxruntime/libonnxruntime.so");
    if is_overridden("ORT_DYLIB_PATH", &ours) || ONNX_RUNTIME_GPU.is_complete(&runtime()) {
        return Ok(());
    }
    install(&ONNX_RUNTIME)
}

/// Installs the face detector, unless the user has chosen a file. The file is the same on all platforms.
fn face_detector() -> Result<()> {
    if std::env::var_os("MIEN_DETECTOR").is_some() {
        return Ok(());
    }
    YUNET.ensure(&runtime(), pip::download)
}

/// Installs ffmpeg for the tests of videos.
///
/// # Errors
/// Returns the errors of [`run`].
pub(crate) fn ffmpeg() -> Result<()> {
    install(&FFMPEG)
}

/// Installs the OpenVINO plugin, unless the user has chosen a file. The server works without it, so other platforms do not
/// get it.
fn openvino_plugin() -> Result<()> {
    let is_supported = check_platform(OS, ARCH).is_ok();
    if std::env::var_os("MIEN_OPENVINO_PLUGIN").is_some() || !is_supported {
        return Ok(());
    }
    OPENVINO.ensure(&runtime(), pip::download)
}

/// Installs libtorch, unless one of its two builds is installed or the user has chosen a library.
///
/// # Errors
/// Returns the errors of [`run`].
pub(crate) fn libtorch() -> Result<()> {
    let ours = LIBTORCH.path(&runtime());
    if is_overridden("LIBTORCH", &ours) || LIBTORCH_GPU.is_complete(&runtime()) {
        return Ok(());
    }
    if !LIBTORCH.is_complete(&runtime()) {
        require_compilers()?;
    }
    install(&LIBTORCH)
}

/// Installs the CUDA build of libtorch, unless it is installed.
fn libtorch_gpu() -> Result<()> {
    if LIBTORCH_GPU.is_complete(&runtime()) {
        return Ok(());
    }
    require_compilers()?;
    install(&NVIDIA_TRAINING)?;
    install(&LIBTORCH_GPU)?;
    // The build script of torch-sys searches for the CUDA libraries only once, so it must run again.
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

/// Returns the names and versions of the pinned libraries, for people.
pub(crate) fn library_versions() -> String {
    format!(
        "ONNX Runtime {}, libtorch {}",
        pins::ONNX_RUNTIME_VERSION,
        pins::TORCH_VERSION
    )
}

fn install(component: &Component) -> Result<()> {
    if !component.is_complete(&runtime()) {
        check_platform(OS, ARCH)?;
    }
    component.ensure(&runtime(), pip::download)
}

/// Checks that the pinned wheels run on a platform, which has the names of [`std::env::consts`].
fn check_platform(os: &str, arch: &str) -> Result<()> {
    ensure!(
        (os, arch) == ("linux", "x86_64"),
        "the pinned runtime libraries are for linux on x86_64; this system is {os} on {arch}. Install ONNX Runtime 1.22 \
         or newer and, for the trainer, libtorch 2.13. Then set ORT_DYLIB_PATH and LIBTORCH to their paths"
    );
    Ok(())
}

/// Returns whether the user has set the variable to another library than `ours`.
fn is_overridden(variable: &str, ours: &Path) -> bool {
    std::env::var_os(variable).is_some_and(|value| Path::new(&value) != ours)
}

/// Returns the compiler in the variable, otherwise the usual one.
pub(crate) fn compiler(variable: &str, usual: &str) -> OsString {
    std::env::var_os(variable).unwrap_or_else(|| usual.into())
}

/// Checks for the compilers that the libtorch bindings need, before anything is downloaded.
fn require_compilers() -> Result<()> {
    for (variable, usual) in [("CC", "cc"), ("CXX", "c++")] {
        let program = compiler(variable, usual);
        let output = Command::new(&program).arg("--version").output();
        ensure!(
            output.is_ok_and(|output| output.status.success()),
            "cannot run the compiler `{}`. A C and a C++ compiler are needed to build against libtorch. \
             Debian, Ubuntu: apt-get install build-essential; Fedora: dnf install gcc gcc-c++. \
             For other compilers, set CC and CXX",
            program.display()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsupported_platform_error_names_platform_and_remedy() {
        check_platform("linux", "x86_64").unwrap();
        for (os, arch) in [
            ("linux", "aarch64"),
            ("macos", "aarch64"),
            ("macos", "x86_64"),
        ] {
            let error = check_platform(os, arch).unwrap_err().to_string();
            assert!(error.contains(&format!("{os} on {arch}")), "{error}");
            assert!(error.contains("ORT_DYLIB_PATH"), "{error}");
        }
    }
}
