//! Settings of devices and engines.

use std::path::PathBuf;

use clap::Args;

use crate::inference::{
    engine::{ExecutionChoice, PrecisionChoice},
    runtime::{DeviceChoice, openvino::OpenVinoOptions},
};

/// Settings of devices and engines.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Device")]
pub struct EngineSettings {
    /// Device for inference. auto uses CUDA if the installed ONNX Runtime and a GPU support it, otherwise the CPU with the engine that
    /// is fastest for each model, as --tune measures. cpu uses the default provider of ONNX Runtime. openvino uses the OpenVINO
    /// plugin of ONNX Runtime, and for models that the plugin does not support the default provider. With cuda or cuda:N the server
    /// does not start if that GPU is not usable. A model's mien.toml has priority.
    #[arg(
        long,
        env = "MIEN_DEVICE",
        value_name = "auto|cpu|openvino|cuda[:N]",
        default_value = "auto"
    )]
    pub device: DeviceChoice,

    /// Precision of the arithmetic. auto uses the precision that is fastest. With fp32, the device auto uses the default provider only,
    /// so predictions are equal to it bit for bit. bf16 uses OpenVINO and needs a processor with bfloat16 instructions; otherwise
    /// the model is served in fp32. A model's mien.toml has priority.
    #[arg(long, env = "MIEN_PRECISION", value_enum, default_value = "auto")]
    pub precision: PrecisionChoice,

    /// File of the OpenVINO plugin. By default the file that `cargo xtask setup` installs.
    #[arg(long, env = "MIEN_OPENVINO_PLUGIN", value_name = "FILE")]
    pub openvino_plugin: Option<PathBuf>,

    /// The executable that checks the plugin in a process of its own; none in tests.
    #[arg(skip)]
    pub program: Option<PathBuf>,
}

impl EngineSettings {
    /// Returns device and precision of models whose `mien.toml` does not set them.
    pub fn choice(&self) -> ExecutionChoice {
        ExecutionChoice {
            device: self.device,
            precision: self.precision,
        }
    }

    /// Converts the settings for the runtime, which stores compiled models in `cache`.
    pub fn openvino(&self, cache: Option<PathBuf>) -> OpenVinoOptions {
        OpenVinoOptions {
            plugin: self.openvino_plugin.clone(),
            cache,
            program: self.program.clone(),
        }
    }
}
