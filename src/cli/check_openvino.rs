//! `mien check-openvino`: checks the OpenVINO plugin. `mien serve` starts this command, because a defect of the plugin can end the
//! process that loads it.

use std::{
    io::{self, Write},
    time::Duration,
};

use clap::Args;

use crate::inference::{
    onnx::openvino,
    runtime::{
        CudaOptions, DeviceChoice, Runtime,
        openvino::{OpenVinoError, OpenVinoOptions, check::Check},
    },
};

/// Time limit of the call of a model.
const INFERENCE_TIMEOUT: Duration = Duration::from_secs(20);

/// Arguments of `mien check-openvino`.
#[derive(Debug, Clone, Args)]
pub struct CheckOpenVinoArgs {
    /// The check as JSON.
    check: String,
}

impl CheckOpenVinoArgs {
    /// Runs the check and prints its result as JSON.
    ///
    /// # Errors
    /// Returns an error if the argument is invalid or ONNX Runtime cannot be loaded.
    pub fn run(&self) -> anyhow::Result<()> {
        let check: Check = serde_json::from_str(&self.check)?;
        let options = OpenVinoOptions {
            plugin: Some(check.plugin.clone()),
            ..OpenVinoOptions::default()
        };
        let runtime = Runtime::load(DeviceChoice::Cpu, CudaOptions::default(), INFERENCE_TIMEOUT)?
            .with_openvino(options);
        let result: Result<(), OpenVinoError> = openvino::run(&runtime, &check);
        // The plugin may have written an incomplete line.
        writeln!(io::stdout(), "\n{}", serde_json::to_string(&result)?)?;
        Ok(())
    }
}
