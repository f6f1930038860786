//! The host properties that a tuning curve depends on.

use mien_host::cpu;
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
        Self {
            cpu: cpu::fingerprint(),
            cores,
            device,
            runtime,
        }
    }
}
