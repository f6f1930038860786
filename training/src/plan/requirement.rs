//! Processor features that a run requires.

use std::fmt;

use mien_host::cpu;
use serde::Deserialize;

use crate::torch::device;

/// Processor features that training a run requires.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Requirement {
    /// Every processor.
    #[default]
    Any,
    /// bf16 dot products in AVX-512 registers.
    Avx512Bf16,
    /// bf16 matrix tiles.
    AmxBf16,
}

/// The features of a machine that requirements refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Processor {
    /// The processor's model name.
    pub name: String,
    /// Whether it has AVX-512-BF16.
    pub avx512_bf16: bool,
    /// Whether it has AMX-BF16.
    pub amx_bf16: bool,
    /// Whether training runs on a CUDA device, which meets every requirement.
    pub cuda: bool,
}

impl Processor {
    /// Returns the features of this machine.
    pub fn here() -> Self {
        Self {
            name: cpu::description(),
            avx512_bf16: cpu::has_flag("avx512_bf16"),
            amx_bf16: cpu::has_flag("amx_bf16"),
            cuda: device::best_device().is_cuda(),
        }
    }

    /// Returns whether this machine meets a requirement.
    pub fn meets(&self, requirement: Requirement) -> bool {
        self.cuda
            || match requirement {
                Requirement::Any => true,
                Requirement::Avx512Bf16 => self.avx512_bf16,
                Requirement::AmxBf16 => self.amx_bf16,
            }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any",
            Self::Avx512Bf16 => "avx512_bf16",
            Self::AmxBf16 => "amx_bf16",
        })
    }
}

impl fmt::Display for Processor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let features = match (self.avx512_bf16, self.amx_bf16) {
            (false, false) => "neither avx512_bf16 nor amx_bf16",
            (true, false) => "avx512_bf16 but not amx_bf16",
            (false, true) => "amx_bf16 but not avx512_bf16",
            (true, true) => "avx512_bf16 and amx_bf16",
        };
        write!(f, "{} has {features}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_met_by_their_feature_or_a_gpu() {
        let processor = |avx512_bf16, amx_bf16, cuda| Processor {
            name: "Test".to_owned(),
            avx512_bf16,
            amx_bf16,
            cuda,
        };
        let met = |processor: Processor| {
            [
                Requirement::Any,
                Requirement::Avx512Bf16,
                Requirement::AmxBf16,
            ]
            .map(|requirement| processor.meets(requirement))
        };
        assert_eq!(met(processor(false, false, false)), [true, false, false]);
        assert_eq!(met(processor(true, false, false)), [true, true, false]);
        assert_eq!(met(processor(true, true, false)), [true, true, true]);
        assert_eq!(met(processor(false, false, true)), [true, true, true]);
        assert_eq!(
            processor(true, false, false).to_string(),
            "Test has avx512_bf16 but not amx_bf16"
        );
    }
}
