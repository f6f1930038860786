//! The device and the engine of a command without a server.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use crate::{
    inference::{
        InferenceError,
        engine::{ExecutionChoice, PrecisionChoice},
        runtime::{
            CudaOptions, DeviceChoice, Runtime,
            openvino::{OpenVinoOptions, this_program},
        },
    },
    tuning::cache_directory,
};

/// Flags of the device and the engine.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Device")]
pub(super) struct EngineArgs {
    /// Device for inference. auto uses CUDA if the installed ONNX Runtime and a GPU support it, otherwise the CPU with the engine that
    /// `mien serve` has measured to be the fastest. cpu uses the default provider of ONNX Runtime. openvino uses the OpenVINO plugin.
    #[arg(
        long,
        env = "MIEN_DEVICE",
        value_name = "auto|cpu|openvino|cuda[:N]",
        default_value = "auto"
    )]
    device: DeviceChoice,

    /// Precision of the arithmetic. auto uses the fastest precision of OpenVINO. bf16 needs OpenVINO and a processor with bfloat16
    /// instructions.
    #[arg(long, env = "MIEN_PRECISION", value_enum, default_value = "auto")]
    precision: PrecisionChoice,

    /// File of the OpenVINO plugin. By default the file that `cargo xtask setup` installs.
    #[arg(long, env = "MIEN_OPENVINO_PLUGIN", value_name = "FILE")]
    openvino_plugin: Option<PathBuf>,
}

impl EngineArgs {
    /// Returns device and precision.
    pub(super) fn choice(&self) -> ExecutionChoice {
        ExecutionChoice {
            device: self.device,
            precision: self.precision,
        }
    }

    /// Loads ONNX Runtime. Compiled models are stored in `cache`, by default in the user's cache directory.
    ///
    /// # Errors
    /// Returns an error if the library is not found or the device is not available.
    pub(super) fn runtime(
        &self,
        inference_timeout: Duration,
        cache: Option<PathBuf>,
    ) -> Result<Runtime, InferenceError> {
        let plugin = self.openvino_plugin.clone();
        load_runtime(self.device, plugin, inference_timeout, cache)
    }
}

/// Loads ONNX Runtime for a command, with the OpenVINO plugin of a file or by default the installed one.
///
/// # Errors
/// Returns an error if the library is not found or the device is not available.
pub(super) fn load_runtime(
    device: DeviceChoice,
    plugin: Option<PathBuf>,
    inference_timeout: Duration,
    cache: Option<PathBuf>,
) -> Result<Runtime, InferenceError> {
    let runtime = Runtime::load(device, CudaOptions::default(), inference_timeout)?;
    Ok(runtime.with_openvino(OpenVinoOptions {
        plugin,
        cache: cache_directory(cache),
        program: this_program(),
    }))
}
