//! The kind of machine that a run trained or a model was timed on.

use std::fs;

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
        Self { cpu: cpu(), cores: std::thread::available_parallelism().map_or(1, usize::from) }
    }
}

/// The processor's name on Linux, elsewhere its architecture alone.
fn cpu() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    match name {
        Some((_, name)) => format!("{}, {}", name.trim(), std::env::consts::ARCH),
        None => std::env::consts::ARCH.to_owned(),
    }
}

/// Where and how a run trained, or a part of it between two resumes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workplace {
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
