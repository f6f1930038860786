//! The host properties that a tuning curve depends on.

use std::{env, fs, num::NonZeroUsize, thread};

use serde::{Deserialize, Serialize};

use crate::inference::runtime::Device;

/// A kind of host. A curve is valid on all hosts with the same fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct HostFingerprint {
    /// Model of the processor.
    cpu: String,
    /// Number of cores that the process may use.
    cores: usize,
    /// Device that models run on.
    device: String,
    /// Build of ONNX Runtime.
    runtime: String,
}

impl HostFingerprint {
    pub(super) fn new(device: Device, cores: usize, runtime: &str) -> Self {
        let (device, runtime) = (device.to_string(), runtime.to_owned());
        Self { cpu: cpu(), cores, device, runtime }
    }
}

/// Returns the number of cores that the process may use.
pub(super) fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Returns the model of the processor, or its architecture if `/proc/cpuinfo` is not available.
fn cpu() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    model_name(&text).unwrap_or_else(|| env::consts::ARCH.to_owned())
}

/// Joins the lines that identify the model of the first processor.
fn model_name(cpuinfo: &str) -> Option<String> {
    const IDENTIFYING: [&str; 7] = [
        "model name",
        "cpu family",
        "model",
        "stepping",
        "CPU implementer",
        "CPU part",
        "CPU variant",
    ];
    let first = cpuinfo.split("\n\n").next()?;
    let lines = first.lines().filter_map(|line| line.split_once(':'));
    let values = lines.filter(|(key, _)| IDENTIFYING.contains(&key.trim()));
    let values: Vec<&str> = values.map(|(_, value)| value.trim()).collect();
    (!values.is_empty()).then(|| values.join(" "))
}

#[cfg(test)]
mod tests {
    use super::model_name;

    #[test]
    fn model_name_identifies_processor() {
        let x86 = "processor\t: 0\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\ncpu MHz\t: 2400.1\n\nprocessor\t: 1";
        assert_eq!(model_name(x86).as_deref(), Some("25 17 AMD EPYC"));
        let arm = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n";
        assert_eq!(model_name(arm).as_deref(), Some("0x41 0xd0c"));
        assert_eq!(model_name(""), None);
    }
}
