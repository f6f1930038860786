//! The runtime libraries in `.runtime/`: what is pinned, whether it is there, how it gets there.
//!
//! A component is made in a folder of its own and moved into place when it is whole; a stamp inside names the
//! wheels it was made of. An interrupted setup is done again, a changed pin replaces the old library.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{
    wheel::Wheel,
    workspace::{self, runtime},
};

mod pins;

/// Name of the file that marks a whole component.
const STAMP: &str = ".stamp";

/// A folder below `.runtime/` that is made of wheels.
struct Component {
    folder: &'static str,
    wheels: &'static [Wheel],
    /// What remains to be done when the wheels are unpacked.
    finish: fn(&Path) -> Result<()>,
}

const ONNX_RUNTIME: Component =
    Component { folder: "onnxruntime", wheels: pins::ONNX_RUNTIME, finish: link_onnx_runtime };
const ONNX_RUNTIME_GPU: Component =
    Component { folder: "onnxruntime", wheels: pins::ONNX_RUNTIME_GPU, finish: link_onnx_runtime };
const LIBTORCH: Component =
    Component { folder: "libtorch", wheels: pins::LIBTORCH, finish: finish_libtorch };
const LIBTORCH_GPU: Component =
    Component { folder: "libtorch", wheels: pins::LIBTORCH_GPU, finish: finish_libtorch };
const NVIDIA: Component = Component { folder: "nvidia", wheels: pins::NVIDIA, finish: |_| Ok(()) };

/// Fetches everything that is not there yet.
///
/// # Errors
/// Where a tool is missing, the network or the disk fails, or a file is not the pinned one.
pub(crate) fn all(gpu: bool) -> Result<()> {
    if gpu {
        [NVIDIA, ONNX_RUNTIME_GPU, LIBTORCH_GPU].iter().try_for_each(Component::ensure)?;
    } else {
        onnx_runtime()?;
        libtorch()?;
    }
    eprintln!("the runtime libraries are in {}", runtime().display());
    Ok(())
}

/// Makes sure that ONNX Runtime is there, of either build.
///
/// # Errors
/// As [`all`].
pub(crate) fn onnx_runtime() -> Result<()> {
    if ONNX_RUNTIME_GPU.is_whole() { Ok(()) } else { ONNX_RUNTIME.ensure() }
}

/// Makes sure that libtorch is there, of either build.
///
/// # Errors
/// As [`all`].
pub(crate) fn libtorch() -> Result<()> {
    if LIBTORCH_GPU.is_whole() { Ok(()) } else { LIBTORCH.ensure() }
}

/// The folder that the loader must know where the CUDA builds are installed.
pub(crate) fn nvidia() -> Option<PathBuf> {
    NVIDIA.is_whole().then(|| NVIDIA.path())
}

impl Component {
    fn path(&self) -> PathBuf {
        runtime().join(self.folder)
    }

    fn stamp(&self) -> String {
        self.wheels
            .iter()
            .map(|wheel| format!("{} {}\n", wheel.requirement, wheel.sha256))
            .collect()
    }

    fn is_whole(&self) -> bool {
        fs::read_to_string(self.path().join(STAMP)).is_ok_and(|found| found == self.stamp())
    }

    fn ensure(&self) -> Result<()> {
        if self.is_whole() {
            return Ok(());
        }
        ensure!(
            cfg!(all(target_os = "linux", target_arch = "x86_64")),
            "the pinned runtime libraries are for Linux on x86-64; elsewhere install ONNX Runtime 1.31 and libtorch \
             2.13 by hand and name them in ORT_DYLIB_PATH and LIBTORCH"
        );
        fs::create_dir_all(runtime())
            .with_context(|| format!("cannot make {}", runtime().display()))?;
        let partial = tempfile::Builder::new().prefix("partial-").tempdir_in(runtime())?;
        for wheel in self.wheels {
            wheel.install(partial.path())?;
        }
        (self.finish)(partial.path())?;
        fs::write(partial.path().join(STAMP), self.stamp())?;
        let old = tempfile::Builder::new().prefix("old-").tempdir_in(runtime())?;
        if self.path().exists() {
            fs::rename(self.path(), old.path().join(self.folder))?;
        }
        fs::rename(partial.keep(), self.path())
            .with_context(|| format!("cannot move {} into place", self.folder))
    }
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
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let mut command = Command::new(compiler);
    command.args(["-shared", "-x", "c", "/dev/null", "-o"]).arg(lib.join("libtorch.so"));
    workspace::check(command).context(
        "a C compiler is needed (and a C++ compiler for the next step). \
         Debian, Ubuntu: apt-get install build-essential; Fedora: dnf install gcc gcc-c++",
    )
}

fn symlink(target: &str, link: &Path) -> Result<()> {
    #[cfg(unix)]
    std::os::unix::fs::symlink(target, link)
        .with_context(|| format!("cannot make {}", link.display()))?;
    #[cfg(not(unix))]
    fs::copy(link.with_file_name(target), link).map(drop)?;
    Ok(())
}
