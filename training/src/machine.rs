//! The kind of machine that a run trained or a model was timed on.

use mien_host::cpu;
use serde::{Deserialize, Serialize};

/// What decides how fast a network trains or answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Processor family as the system names it, or its architecture.
    pub cpu: String,
    /// Cores that the program may use.
    pub cores: usize,
}

impl Machine {
    /// This machine.
    pub fn here() -> Self {
        Self {
            cpu: cpu::description(),
            cores: cpu::available_cores(),
        }
    }
}

/// Where and how a run trained, or a part of it between two resumes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// The machine.
    #[serde(flatten)]
    pub machine: Machine,
    /// `Cpu` or `Cuda(0)`.
    pub device: String,
    /// Number format of convolutions and activations.
    pub precision: String,
    /// Threads of libtorch.
    pub threads: usize,
}
