//! Descriptions of machines and training environments.

use mien_host::cpu;
use serde::{Deserialize, Serialize};

/// The hardware that determines the speed of training and inference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Processor model as reported by the system, or the CPU architecture.
    pub cpu: String,
    /// Cores that the program may use.
    pub cores: usize,
}

impl Machine {
    /// Returns the description of this machine.
    pub fn here() -> Self {
        Self {
            cpu: cpu::description(),
            cores: cpu::available_cores(),
        }
    }
}

/// The environment of a run, or of a part of it between two resumes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// The machine.
    #[serde(flatten)]
    pub machine: Machine,
    /// `Cpu` or `Cuda(0)`.
    pub device: String,
    /// Number format of convolutions and activations.
    pub precision: String,
    /// Number of threads.
    pub threads: usize,
}
