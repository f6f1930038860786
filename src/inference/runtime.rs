//! ONNX Runtime and the device that models run on.

mod device;
mod library;
pub mod openvino;
mod watchdog;

use std::{path::PathBuf, sync::Arc, time::Duration};

use ort::{
    environment::Environment,
    ep::{self, ExecutionProvider, ExecutionProviderDispatch},
    session::Session,
};

pub use self::device::{Device, DeviceChoice};
use self::openvino::{OpenVino, OpenVinoOptions};
pub(crate) use self::watchdog::Watchdog;
pub(super) use self::watchdog::{CallKind, CallTimer};
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

    /// Returns the execution providers of a session. The CPU executes the operators that they do not support.
    pub(super) fn providers(&self) -> Vec<ExecutionProviderDispatch> {
        match self.device {
            Device::Cpu => Vec::new(),
            Device::Cuda(index) => {
                vec![cuda_provider(index, self.cuda).build().error_on_failure()]
            }
        }
    }
}

/// Selects the device and logs it.
///
/// # Errors
/// Returns an error with the remedy for [`DeviceChoice::Cuda`] without a usable GPU.
fn select_device(
    environment: &Environment,
    choice: DeviceChoice,
    cuda: CudaOptions,
) -> Result<Device, InferenceError> {
    match choice {
        DeviceChoice::Cpu | DeviceChoice::OpenVino => {
            let device = Device::Cpu;
            tracing::info!(%device, "using the requested device");
            Ok(device)
        }
        DeviceChoice::Cuda(index) => {
            check_cuda(environment, index, cuda).map_err(|reason| {
                InferenceError::Runtime(format!(
                    "cannot use the requested CUDA device: {reason}. Install the GPU build with \
                     `cargo xtask setup --gpu` on a machine with an NVIDIA driver, or start with \
                     `--device cpu`"
                ))
            })?;
            let device = Device::Cuda(index);
            tracing::info!(%device, "using the requested device");
            Ok(device)
        }
        DeviceChoice::Auto if matches!(ep::CUDA::is_available(), Ok(false)) => {
            let device = Device::Cpu;
            tracing::info!(%device, reason = WITHOUT_CUDA, "selected the device automatically");
            Ok(device)
        }
        DeviceChoice::Auto => match check_cuda(environment, 0, cuda) {
            Ok(()) => {
                let device = Device::Cuda(0);
                tracing::info!(%device, "selected the device automatically");
                Ok(device)
            }
            Err(reason) => {
                tracing::warn!(reason, "CUDA is not available; using the CPU");
                Ok(Device::Cpu)
            }
        },
    }
}

/// Why a CPU build of ONNX Runtime uses the CPU.
const WITHOUT_CUDA: &str = "the loaded ONNX Runtime is built without CUDA";

/// Checks whether sessions can use the GPU with this index.
///
/// # Errors
/// Returns the reason if they cannot.
fn check_cuda(environment: &Environment, index: u32, options: CudaOptions) -> Result<(), String> {
    match ep::CUDA::is_available() {
        Ok(true) => {}
        Ok(false) => return Err(WITHOUT_CUDA.to_owned()),
        Err(error) => return Err(error.message().to_owned()),
    }
    // Registering loads the provider's libraries and asks the driver for the device.
    let mut session = Session::builder(environment).map_err(|e| e.message().to_owned())?;
    cuda_provider(index, options)
        .register(&mut session)
        .map_err(|error| error.message().to_owned())
}

/// Returns the CUDA provider. It does not use cuDNN's exhaustive search, which is the default, because that would try all
/// algorithms of each convolution again for each batch size, during a request.
fn cuda_provider(index: u32, options: CudaOptions) -> ep::CUDA {
    let cuda = ep::CUDA::default()
        .with_device_id(i32::try_from(index).unwrap_or(i32::MAX))
        .with_conv_algorithm_search(ep::cuda::ConvAlgorithmSearch::Heuristic)
        .with_tf32(options.tf32);
    match options.memory_limit {
        Some(limit) => cuda.with_memory_limit(limit),
        None => cuda,
    }
}
