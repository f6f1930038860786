//! Engines and precisions: the ways to execute a model on a processor.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::runtime::DeviceChoice;

/// The software that executes the graph of a model.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// The default provider of ONNX Runtime for the device.
    #[default]
    OnnxRuntime,
    /// The OpenVINO plugin of ONNX Runtime.
    OpenVino,
}

impl Engine {
    /// Returns the name in the API, in metrics and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::OnnxRuntime => "onnxruntime",
            Self::OpenVino => "openvino",
        }
    }
}

/// The number format of the arithmetic.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// IEEE single precision.
    #[default]
    Fp32,
    /// bfloat16 with sums in single precision.
    Bf16,
}

impl Precision {
    /// Returns the name in the API, in metrics and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fp32 => "fp32",
            Self::Bf16 => "bf16",
        }
    }
}

/// How sessions execute a model. The default is the default provider in single precision.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, ToSchema,
)]
pub struct Execution {
    /// The engine.
    pub engine: Engine,
    /// The precision.
    pub precision: Precision,
}

impl Execution {
    /// Returns the execution by OpenVINO in a precision.
    pub fn openvino(precision: Precision) -> Self {
        Self {
            engine: Engine::OpenVino,
            precision,
        }
    }
}

impl Execution {
    /// Returns the settings that request this execution.
    pub fn request(self) -> ExecutionChoice {
        let device = match self.engine {
            Engine::OnnxRuntime => DeviceChoice::Cpu,
            Engine::OpenVino => DeviceChoice::OpenVino,
        };
        let precision = match self.precision {
            Precision::Fp32 => PrecisionChoice::Fp32,
            Precision::Bf16 => PrecisionChoice::Bf16,
        };
        ExecutionChoice { device, precision }
    }
}

impl fmt::Display for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.engine.name(), self.precision.name())
    }
}

/// The requested precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum PrecisionChoice {
    /// The fastest precision of the fastest engine.
    #[default]
    Auto,
    /// Single precision.
    Fp32,
    /// bfloat16, which needs OpenVINO and a processor with bfloat16 instructions.
    Bf16,
}

/// The requested device and precision of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecutionChoice {
    /// The device.
    pub device: DeviceChoice,
    /// The precision.
    pub precision: PrecisionChoice,
}

impl ExecutionChoice {
    /// Checks that the device supports the precision.
    ///
    /// # Errors
    /// Returns the reason for bf16 on a device other than `auto` and `openvino`.
    pub fn check(self) -> Result<Self, String> {
        match (self.device, self.precision) {
            (DeviceChoice::Cpu | DeviceChoice::Cuda(_), PrecisionChoice::Bf16) => Err(
                "the precision bf16 needs the device openvino or auto; the other devices compute in fp32"
                    .to_owned(),
            ),
            _ => Ok(self),
        }
    }

    /// Returns whether an engine is requested instead of measured.
    pub fn is_explicit(self) -> bool {
        self.device == DeviceChoice::OpenVino || self.precision == PrecisionChoice::Bf16
    }

    /// Returns the precisions in which OpenVINO may execute the model. The list is empty if only the default provider may
    /// execute it. `has_bf16` is whether the processor has bfloat16 instructions; without them OpenVINO computes in fp32.
    pub fn openvino_precisions(self, has_bf16: bool) -> Vec<Precision> {
        let all = [Precision::Fp32, Precision::Bf16];
        let of_processor = if has_bf16 { &all[..] } else { &all[..1] };
        match (self.device, self.precision) {
            (DeviceChoice::Cpu | DeviceChoice::Cuda(_), _)
            | (DeviceChoice::Auto, PrecisionChoice::Fp32) => Vec::new(),
            (DeviceChoice::Auto | DeviceChoice::OpenVino, PrecisionChoice::Auto) => {
                of_processor.to_vec()
            }
            (DeviceChoice::OpenVino, PrecisionChoice::Fp32) => vec![Precision::Fp32],
            (DeviceChoice::Auto | DeviceChoice::OpenVino, PrecisionChoice::Bf16) => {
                of_processor[1..].to_vec()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn precisions(
        device: DeviceChoice,
        precision: PrecisionChoice,
        has_bf16: bool,
    ) -> Vec<Precision> {
        ExecutionChoice { device, precision }.openvino_precisions(has_bf16)
    }

    #[test]
    fn auto_with_fp32_uses_default_provider_only() {
        let device = DeviceChoice::Auto;
        assert_eq!(precisions(device, PrecisionChoice::Fp32, true), []);
        assert_eq!(
            precisions(device, PrecisionChoice::Auto, false),
            [Precision::Fp32]
        );
        assert_eq!(
            precisions(device, PrecisionChoice::Auto, true),
            [Precision::Fp32, Precision::Bf16]
        );
    }

    #[test]
    fn bf16_needs_processor_with_bf16() {
        for device in [DeviceChoice::Auto, DeviceChoice::OpenVino] {
            assert_eq!(precisions(device, PrecisionChoice::Bf16, false), []);
            assert_eq!(
                precisions(device, PrecisionChoice::Bf16, true),
                [Precision::Bf16]
            );
        }
    }

    #[test]
    fn bf16_is_rejected_for_cpu_and_cuda() {
        for device in [DeviceChoice::Cpu, DeviceChoice::Cuda(0)] {
            let precision = PrecisionChoice::Bf16;
            assert!(ExecutionChoice { device, precision }.check().is_err());
            assert_eq!(precisions(device, PrecisionChoice::Auto, true), []);
        }
        let (device, precision) = (DeviceChoice::OpenVino, PrecisionChoice::Bf16);
        assert!(ExecutionChoice { device, precision }.check().is_ok());
    }
}
