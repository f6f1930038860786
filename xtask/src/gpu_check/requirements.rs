//! The GPU and the driver that the check needs.

use std::{ffi::OsString, path::PathBuf};

use super::nvidia_smi::{self, Gpu};

/// First major version of the driver that runs CUDA 13, for which the pinned libraries are built (CUDA 13.0 release notes).
const MIN_DRIVER: u32 = 580;

/// Lowest compute capability that CUDA 13 supports: Turing (CUDA 13.0 release notes).
const MIN_CAPABILITY: f64 = 7.5;

/// The machine that is searched for a GPU.
pub(super) struct Host {
    /// Root of the file system that contains `proc`.
    root: PathBuf,
    /// Directories that are searched for nvidia-smi.
    path: OsString,
    os: &'static str,
    arch: &'static str,
}

impl Host {
    /// Returns this machine.
    pub(super) fn here() -> Self {
        Self {
            root: PathBuf::from("/"),
            path: std::env::var_os("PATH").unwrap_or_default(),
            os: std::env::consts::OS,
            arch: std::env::consts::ARCH,
        }
    }

    /// Returns the GPU with an index of nvidia-smi.
    ///
    /// # Errors
    /// Returns every missing requirement with its remedy.
    pub(super) fn gpu(&self, index: usize) -> Result<Gpu, Vec<String>> {
        let mut missing = Vec::new();
        if (self.os, self.arch) != ("linux", "x86_64") {
            missing.push(format!(
                "The pinned CUDA libraries are for linux on x86_64; this system is {} on {}. Run the check on linux on x86_64.",
                self.os, self.arch
            ));
        }
        match self.list().and_then(|gpus| choose(gpus, index)) {
            Ok(gpu) => {
                missing.extend(outdated(&gpu));
                if missing.is_empty() {
                    return Ok(gpu);
                }
            }
            Err(reason) => missing.push(reason),
        }
        Err(missing)
    }

    /// Lists the GPUs with nvidia-smi.
    fn list(&self) -> Result<Vec<Gpu>, String> {
        let program = std::env::split_paths(&self.path)
            .filter(|directory| directory.is_absolute())
            .map(|directory| directory.join("nvidia-smi"))
            .find(|program| program.is_file());
        let program = program.ok_or_else(|| self.no_program())?;
        nvidia_smi::list(&program)
    }

    /// Returns why nvidia-smi is missing.
    fn no_program(&self) -> String {
        if self.root.join("proc/driver/nvidia/version").exists() {
            "The NVIDIA driver is loaded, but nvidia-smi is not in PATH. Install the package of the driver's utilities; for a \
             container set NVIDIA_DRIVER_CAPABILITIES=compute,utility."
                .to_owned()
        } else {
            format!(
                "The NVIDIA driver is not installed: /proc/driver/nvidia/version and nvidia-smi are missing. Install driver \
                 {MIN_DRIVER} or newer (https://www.nvidia.com/drivers), or start the container with `--gpus all`."
            )
        }
    }
}

/// Returns the GPU with an index.
fn choose(gpus: Vec<Gpu>, index: usize) -> Result<Gpu, String> {
    let count = gpus.len();
    gpus.into_iter().nth(index).ok_or_else(|| {
        format!(
            "nvidia-smi lists {count} GPUs, and none has the index {index}. Choose another --device, or check with `lspci` \
             that the GPU is installed."
        )
    })
}

/// Returns the versions of a GPU and its driver that are too old.
fn outdated(gpu: &Gpu) -> Vec<String> {
    let mut missing = Vec::new();
    let major = gpu
        .driver
        .split('.')
        .next()
        .and_then(|major| major.parse().ok());
    if major.is_none_or(|major: u32| major < MIN_DRIVER) {
        missing.push(format!(
            "The NVIDIA driver has version {}; CUDA 13 needs {MIN_DRIVER} or newer. Update the driver \
             (https://www.nvidia.com/drivers).",
            gpu.driver
        ));
    }
    let capability = gpu.capability.parse().ok();
    if capability.is_none_or(|capability: f64| capability < MIN_CAPABILITY) {
        missing.push(format!(
            "{} has the compute capability {}; CUDA 13 needs {MIN_CAPABILITY} or higher. Use a GPU of the generation Turing or \
             newer.",
            gpu.name, gpu.capability
        ));
    }
    missing
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, process::Command};

    use super::*;

    const A100: &str = "NVIDIA A100-SXM4-40GB, 40960 MiB, 8.0, 580.65.06";

    /// A machine whose nvidia-smi runs a shell command, if there is one.
    fn host(folder: &Path, smi: Option<&str>) -> Host {
        if let Some(command) = smi {
            let script = folder.join("script");
            fs::write(&script, format!("#!/bin/sh\n{command}\n")).unwrap();
            // Another process writes the program, because a file that this process has open for writing cannot be executed, and
            // the children of other tests inherit open files.
            let mut install = Command::new("install");
            install.arg("-m755").arg(script);
            let status = install.arg(folder.join("nvidia-smi")).status().unwrap();
            assert!(status.success());
        }
        Host {
            root: folder.to_owned(),
            path: folder.as_os_str().to_owned(),
            os: "linux",
            arch: "x86_64",
        }
    }

    fn missing(smi: &str, index: usize) -> String {
        let folder = tempfile::tempdir().unwrap();
        let found = host(folder.path(), Some(smi)).gpu(index);
        found.unwrap_err().join("\n")
    }

    #[test]
    fn gpu_is_selected_by_index() {
        let folder = tempfile::tempdir().unwrap();
        let smi = format!("echo 'NVIDIA T4, 15360 MiB, 7.5, 580.65.06'\necho '{A100}'");
        let gpu = host(folder.path(), Some(&smi)).gpu(1).unwrap();
        assert_eq!(gpu.name, "NVIDIA A100-SXM4-40GB");
        assert_eq!((&*gpu.memory, &*gpu.driver), ("40960 MiB", "580.65.06"));
        let error = missing(&smi, 2);
        assert!(error.contains("lists 2 GPUs"), "{error}");
    }

    #[test]
    fn missing_driver_is_named_with_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let error = host(folder.path(), None).gpu(0).unwrap_err().join("\n");
        assert!(error.contains("driver is not installed"), "{error}");
        assert!(error.contains("Install driver 580"), "{error}");
    }

    #[test]
    fn loaded_driver_without_nvidia_smi_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let proc = folder.path().join("proc/driver/nvidia");
        fs::create_dir_all(&proc).unwrap();
        fs::write(proc.join("version"), "NVRM version\n").unwrap();
        let error = host(folder.path(), None).gpu(0).unwrap_err().join("\n");
        assert!(error.contains("NVIDIA_DRIVER_CAPABILITIES"), "{error}");
    }

    #[test]
    fn failure_of_nvidia_smi_is_quoted() {
        let error = missing("echo 'could not communicate with the driver'; exit 9", 0);
        assert!(error.contains("could not communicate"), "{error}");
    }

    #[test]
    fn old_driver_and_old_gpu_are_both_named() {
        let error = missing("echo 'Tesla P100, 16384 MiB, 6.0, 470.82.01'", 0);
        assert!(error.contains("version 470.82.01"), "{error}");
        assert!(error.contains("compute capability 6.0"), "{error}");
    }

    #[test]
    fn other_platform_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let host = Host {
            arch: "aarch64",
            ..host(folder.path(), Some(&format!("echo '{A100}'")))
        };
        let missing = host.gpu(0).unwrap_err();
        assert_eq!(missing.len(), 1, "{missing:?}");
        assert!(missing[0].contains("linux on aarch64"), "{missing:?}");
    }
}
