//! The device that is compared with the CPU.

use std::{fmt, process::Command, str::FromStr};

use anyhow::{Context, Result};

/// Environment variable that selects the GPUs which CUDA shows to a process.
const VISIBLE: &str = "CUDA_VISIBLE_DEVICES";

/// The device that is compared with the CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Device {
    /// The CPU, to rehearse the check on a machine without a GPU.
    Cpu,
    /// The GPU with this index of nvidia-smi.
    Cuda(usize),
}

impl Device {
    /// Makes the device the only one that a program can use besides the CPU. The program sees a GPU under the index 0.
    pub(super) fn select(self, command: &mut Command) {
        match self {
            Self::Cpu => hide_gpus(command),
            // nvidia-smi sorts by PCI bus, CUDA by speed unless the variable is set.
            Self::Cuda(index) => {
                command
                    .env("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
                    .env(VISIBLE, index.to_string());
            }
        }
    }

    /// Returns the value of `mien serve --device` for a program that [`Self::select`] prepared. The server reports its device by
    /// the same name.
    pub(super) fn served(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda(_) => "cuda:0",
        }
    }

    /// Returns the name that a training run records for the device.
    pub(super) fn trained(self) -> &'static str {
        match self {
            Self::Cpu => "Cpu",
            Self::Cuda(_) => "Cuda(0)",
        }
    }
}

/// Hides all GPUs from a program.
pub(super) fn hide_gpus(command: &mut Command) {
    command.env(VISIBLE, "");
}

impl FromStr for Device {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => {
                let index = text
                    .strip_prefix("cuda:")
                    .and_then(|index| index.parse().ok());
                index
                    .map(Self::Cuda)
                    .context("expected cpu, cuda or cuda:N")
            }
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_devices_are_parsed() {
        let parse = |text: &str| text.parse::<Device>().ok();
        assert_eq!(parse("cpu"), Some(Device::Cpu));
        assert_eq!(parse("cuda"), Some(Device::Cuda(0)));
        assert_eq!(parse("cuda:3"), Some(Device::Cuda(3)));
        for wrong in ["", "gpu", "cuda:", "cuda:x", "cuda:-1"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
