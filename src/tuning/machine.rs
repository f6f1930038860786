//! What a curve depends on beside the model.

use std::{env, fs, num::NonZeroUsize, thread};

use serde::{Deserialize, Serialize};

use crate::inference::runtime::Device;

/// A kind of machine: where two are equal, one's curve is good for the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Machine {
    /// The processor's model.
    cpu: String,
    /// Cores that the process may use.
    cores: usize,
    /// What models run on.
    device: String,
    /// The build of ONNX Runtime.
    runtime: String,
}

impl Machine {
    pub(super) fn this(device: Device, cores: usize, runtime: &str) -> Self {
        let (device, runtime) = (device.to_string(), runtime.to_owned());
        Self { cpu: cpu(), cores, device, runtime }
    }
}

/// Cores that the process may use.
pub(super) fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// The processor's model; its architecture where Linux does not tell more.
fn cpu() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    name(&text).unwrap_or_else(|| env::consts::ARCH.to_owned())
}

/// All lines that tell a model apart from another, of the first processor that is listed.
fn name(cpuinfo: &str) -> Option<String> {
    const TELLING: [&str; 7] = [
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
    let values = lines.filter(|(key, _)| TELLING.contains(&key.trim()));
    let values: Vec<&str> = values.map(|(_, value)| value.trim()).collect();
    (!values.is_empty()).then(|| values.join(" "))
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn processors_are_told_apart() {
        let x86 = "processor\t: 0\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\ncpu MHz\t: 2400.1\n\nprocessor\t: 1";
        assert_eq!(name(x86).as_deref(), Some("25 17 AMD EPYC"));
        let arm = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n";
        assert_eq!(name(arm).as_deref(), Some("0x41 0xd0c"));
        assert_eq!(name(""), None);
    }
}
