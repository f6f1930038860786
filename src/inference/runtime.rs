//! ONNX Runtime and the device that models run on.

mod device;
mod library;
pub mod openvino;
mod selection;
mod watchdog;

use std::{path::PathBuf, sync::Arc, time::Duration};

use ort::{
    environment::Environment,
    session::builder::{BuilderResult, SessionBuilder},
};

pub use self::device::{Device, DeviceChoice};
pub(crate) use self::watchdog::Watchdog;
pub(super) use self::watchdog::{CallKind, CallTimer};
use self::{
    openvino::{OpenVino, OpenVinoOptions},
    selection::{cuda_provider, select_device},
};
use super::InferenceError;
use crate::thread_priority::LoadPriority;

/// Options of GPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CudaOptions {
    /// Maximum size of a session's memory arena in bytes; `None` is the memory of the GPU.
    pub memory_limit: Option<usize>,
    /// Whether convolutions may round to TF32.
    pub tf32: bool,
    /// Whether float32 inputs are copied to the GPU as float16.
    pub fp16_input: bool,
}

/// The loaded library and the selected device.
#[derive(Clone)]
pub struct Runtime {
    environment: Environment,
    device: Device,
    cuda: CudaOptions,
    watchdog: Watchdog,
    load_priority: LoadPriority,
    openvino: Arc<OpenVino>,
}

/// Default of the time limit of an inference call, as text for settings.
pub const DEFAULT_INFERENCE_TIMEOUT: &str = "20s";

/// Name of the default provider of a CPU.
const CPU_PROVIDER: &str = "CPUExecutionProvider";

impl Runtime {
    /// Loads ONNX Runtime, once per process, and selects the device. Logs the device and the reason. Inference calls end after
    /// `inference_timeout`.
    ///
    /// # Errors
    /// Returns an error with the remedy if the library is not found or is incompatible, or for [`DeviceChoice::Cuda`] without
    /// a usable GPU.
    pub fn load(
        choice: DeviceChoice,
        cuda: CudaOptions,
        inference_timeout: Duration,
    ) -> Result<Self, InferenceError> {
        let environment = library::environment()?;
        let watchdog = Watchdog::start(inference_timeout).map_err(|error| {
            InferenceError::Runtime(format!(
                "cannot start the thread that limits the time of inference calls: {error}"
            ))
        })?;
        let device = select_device(&environment, choice, cuda)?;
        Ok(Self {
            environment,
            device,
            cuda,
            watchdog,
            load_priority: LoadPriority::default(),
            openvino: Arc::default(),
        })
    }

    /// Sets how OpenVINO is used. Nothing is loaded before the first use.
    #[must_use]
    pub fn with_openvino(self, options: OpenVinoOptions) -> Self {
        Self {
            openvino: Arc::new(OpenVino::new(options)),
            ..self
        }
    }

    /// Returns this runtime with the device that `mien.toml` requests.
    ///
    /// # Errors
    /// Returns an error with the remedy for [`DeviceChoice::Cuda`] without a usable GPU.
    pub fn on(&self, choice: DeviceChoice) -> Result<Self, InferenceError> {
        let device = match choice {
            DeviceChoice::Auto => self.device,
            DeviceChoice::Cpu | DeviceChoice::OpenVino => Device::Cpu,
            DeviceChoice::Cuda(index) if self.device == Device::Cuda(index) => self.device,
            DeviceChoice::Cuda(_) => select_device(&self.environment, choice, self.cuda)?,
        };
        Ok(self.with_device(device))
    }

    /// Returns this runtime with a device that was selected before.
    #[must_use]
    pub fn with_device(&self, device: Device) -> Self {
        Self {
            device,
            ..self.clone()
        }
    }

    /// Returns the state of the OpenVINO plugin.
    pub(super) fn openvino(&self) -> &OpenVino {
        &self.openvino
    }

    /// Returns a file that `cargo xtask setup` or an archive installs, or `None` if it is not found.
    pub fn installed(component: &str, file: &str) -> Option<PathBuf> {
        library::installed(component, file)
    }

    /// Returns the device that models run on.
    pub fn device(&self) -> Device {
        self.device
    }

    /// Returns version, commit and compiler flags of ONNX Runtime.
    pub fn build(&self) -> &'static str {
        ort::info()
    }

    /// Returns what affects the speed on the same device: the build, and on a GPU its options.
    pub fn variant(&self) -> String {
        let on_gpu = matches!(self.device, Device::Cuda(_));
        let tf32 = if on_gpu && self.cuda.tf32 {
            " tf32"
        } else {
            ""
        };
        let fp16_input = if self.fp16_input() { " fp16 input" } else { "" };
        format!("{}{tf32}{fp16_input}", self.build())
    }

    /// Returns whether float32 inputs are copied as float16.
    pub(super) fn fp16_input(&self) -> bool {
        matches!(self.device, Device::Cuda(_)) && self.cuda.fp16_input
    }

    /// Returns the thread that limits the time of inference calls.
    pub(crate) fn watchdog(&self) -> &Watchdog {
        &self.watchdog
    }

    /// Returns whether the server stops. Loads and measurements then fail because they are cancelled.
    pub(crate) fn is_stopping(&self) -> bool {
        self.watchdog.is_stopping()
    }

    /// Returns a runtime whose sessions are opened at the current priority of loads, also when a model serves later.
    pub(crate) fn with_current_load_priority(&self) -> Self {
        Self {
            load_priority: self.load_priority.current(),
            ..self.clone()
        }
    }

    /// Returns the priority at which sessions are opened and warmed up.
    pub(crate) fn load_priority(&self) -> &LoadPriority {
        &self.load_priority
    }

    pub(super) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Adds the default provider of the device to a session. The CPU executes the operators that CUDA does not support.
    ///
    /// The CPU provider is added explicitly: a session without providers uses the first plugin that the process has loaded.
    ///
    /// # Errors
    /// Returns an error if CUDA is not available.
    #[expect(
        clippy::result_large_err,
        reason = "the error of ort contains the builder"
    )]
    pub(super) fn with_default_provider(&self, builder: SessionBuilder) -> BuilderResult {
        match self.device {
            Device::Cpu => {
                let devices = self.environment.devices();
                let cpu = devices.filter(|device| matches!(device.ep(), Ok(CPU_PROVIDER)));
                builder.with_devices(cpu, None)
            }
            Device::Cuda(index) => {
                let cuda = cuda_provider(index, self.cuda).build().error_on_failure();
                builder.with_execution_providers([cuda])
            }
        }
    }
}
