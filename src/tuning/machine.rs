//! The host: its clock and load, and the properties that a tuning curve depends on.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

use mien_host::{cpu, cpu_times::CpuTimes};
use serde::{Deserialize, Serialize};

use crate::inference::runtime::Device;

/// The clock and the processor times of the host. Tests replace them.
pub trait Machine: Send + Sync {
    /// Returns the time since a fixed moment.
    fn now(&self) -> Duration;
    /// Returns the processor times; `None` if the system does not report them.
    fn cpu_times(&self) -> Option<CpuTimes>;
}

/// The host that this process runs on.
pub(super) struct Host(Instant);

impl Host {
    pub(super) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Machine for Host {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn cpu_times(&self) -> Option<CpuTimes> {
        CpuTimes::now()
    }
}

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
        // The file that names the processor is long on machines with many cores.
        static CPU: LazyLock<String> = LazyLock::new(cpu::fingerprint);
        let (device, runtime) = (device.to_string(), runtime.to_owned());
        Self {
            cpu: CPU.clone(),
            cores,
            device,
            runtime,
        }
    }
}
