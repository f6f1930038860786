//! Device and number format of training.

use tch::{Device, Kind};

/// Number format of convolutions and their activations. Weights and statistics always have 32 bits.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// bf16 if the processor multiplies it in hardware, otherwise fp32.
    Auto,
    /// 32-bit floats.
    Fp32,
    /// bfloat16 convolutions and activations, 32-bit batch statistics and master weights.
    Bf16,
}

impl Precision {
    /// Returns the kind of activations on a device.
    ///
    /// On a CPU without AVX-512-BF16 libtorch only emulates bfloat16, which is slower than fp32.
    pub fn kind(self, device: Device) -> Kind {
        match self {
            Self::Fp32 => Kind::Float,
            Self::Bf16 => Kind::BFloat16,
            Self::Auto if device.is_cuda() || cpu_multiplies_bf16() => Kind::BFloat16,
            Self::Auto => Kind::Float,
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn cpu_multiplies_bf16() -> bool {
    std::arch::is_x86_feature_detected!("avx512bf16")
}

#[cfg(not(target_arch = "x86_64"))]
fn cpu_multiplies_bf16() -> bool {
    false
}

/// Returns the first GPU that libtorch finds, otherwise the CPU.
pub fn best_device() -> Device {
    Device::cuda_if_available()
}
