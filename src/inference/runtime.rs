//! Finds and loads the ONNX Runtime library, and picks the device that models run on.

use std::{
    env, fmt,
    path::{Path, PathBuf},
    str::FromStr,
    sync::{Mutex, PoisonError},
};

use ort::{
    environment::Environment,
    ep::{self, ExecutionProvider, ExecutionProviderDispatch},
    session::Session,
};

use super::InferenceError;

/// Where the library lies in a checkout after `cargo xtask setup`.
const SETUP_FOLDER: &str = ".runtime/onnxruntime";

/// The device that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceChoice {
    /// CUDA where the loaded runtime and a GPU are there, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// The GPU of this number, or nothing.
    Cuda(u32),
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "auto" => Ok(Self::Auto),
            None if text == "cpu" => Ok(Self::Cpu),
            None if text == "cuda" => Ok(Self::Cuda(0)),
            Some(("cuda", number)) if number.parse::<u32>().is_ok() => Ok(Self::Cuda(
                number.parse().map_err(|_| "not a number".to_owned())?,
            )),
            _ => Err("expected auto, cpu, cuda or cuda:N".to_owned()),
        }
    }
}

/// The device that models run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// The CPU.
    Cpu,
    /// The GPU of this number.
    Cuda(u32),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

/// How a GPU is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CudaOptions {
    /// The most bytes that a session's arena grows to; `None` is all there are.
    pub memory_limit: Option<usize>,
    /// Whether convolutions may round to TF32.
    pub tf32: bool,
    /// Whether float32 inputs are copied to the GPU as halves.
    pub fp16_input: bool,
}

/// The loaded library and the device that was picked.
#[derive(Clone)]
pub struct Runtime {
    environment: Environment,
    device: Device,
    cuda: CudaOptions,
}

impl Runtime {
    /// Loads ONNX Runtime, once a process, and picks the device. Logs which and why.
    ///
    /// # Errors
    /// When no library is found or it does not fit, or for [`DeviceChoice::Cuda`] without a usable
    /// GPU; with the remedy.
    pub fn load(choice: DeviceChoice, cuda: CudaOptions) -> Result<Self, InferenceError> {
        let environment = environment()?;
        let device = match choice {
            DeviceChoice::Cpu => {
                tracing::info!("device: cpu, as asked for");
                Device::Cpu
            }
            DeviceChoice::Cuda(number) => {
                try_cuda(&environment, number, cuda).map_err(|reason| {
                    InferenceError::Runtime(format!(
                        "CUDA was asked for but cannot be used: {reason}. Install the GPU build with \
                         `cargo xtask setup --gpu` on a machine with an NVIDIA driver, or start with \
                         `--device cpu`"
                    ))
                })?;
                tracing::info!("device: cuda:{number}, as asked for");
                Device::Cuda(number)
            }
            DeviceChoice::Auto => match try_cuda(&environment, 0, cuda) {
                Ok(()) => {
                    tracing::info!("device: cuda:0, found by auto");
                    Device::Cuda(0)
                }
                Err(reason) => {
                    tracing::warn!("device: cpu, because CUDA cannot be used: {reason}");
                    Device::Cpu
                }
            },
        };
        Ok(Self {
            environment,
            device,
            cuda,
        })
    }

    /// The device that models run on.
    pub fn device(&self) -> Device {
        self.device
    }

    /// Version, commit and compiler flags of ONNX Runtime.
    pub fn build(&self) -> &'static str {
        ort::info()
    }

    /// What runs differ by on the same device: the build, and on a GPU how it is used.
    pub fn variant(&self) -> String {
        let on_gpu = matches!(self.device, Device::Cuda(_));
        let tf32 = if on_gpu && self.cuda.tf32 {
            " tf32"
        } else {
            ""
        };
        let fp16_input = if self.halves_inputs() {
            " fp16 input"
        } else {
            ""
        };
        format!("{}{tf32}{fp16_input}", self.build())
    }

    /// Whether float32 inputs are given as halves.
    pub(super) fn halves_inputs(&self) -> bool {
        matches!(self.device, Device::Cuda(_)) && self.cuda.fp16_input
    }

    pub(super) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The execution providers of a session; the CPU takes what they leave over.
    pub(super) fn providers(&self) -> Vec<ExecutionProviderDispatch> {
        match self.device {
            Device::Cpu => Vec::new(),
            Device::Cuda(number) => {
                vec![provider(number, self.cuda).build().error_on_failure()]
            }
        }
    }
}

/// The process's one environment. ONNX Runtime allows no second one, ever.
fn environment() -> Result<Environment, InferenceError> {
    static LOADED: Mutex<Option<Environment>> = Mutex::new(None);
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = &*loaded {
        return Ok(environment.clone());
    }
    let path = find()?;
    let remedy = |error: &dyn fmt::Display| {
        InferenceError::Runtime(format!(
            "the ONNX Runtime library cannot be used: {error}. `cargo xtask setup` fetches a fitting one"
        ))
    };
    let builder = ort::init_from(&path).map_err(|error| remedy(&error))?;
    let builder = builder.with_name("mien").with_telemetry(false);
    let environment = builder.build().map_err(|error| remedy(&error))?;
    tracing::info!(library = %path.display(), "loaded ONNX Runtime");
    Ok(loaded.insert(environment).clone())
}

/// The library: `ORT_DYLIB_PATH` where it is set, else the first that exists beside the executable, in
/// `../lib`, or in the setup folder of the checkout or working directory; else the system's.
fn find() -> Result<PathBuf, InferenceError> {
    if let Some(path) = env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        if path.is_file() {
            return Ok(path);
        }
        return Err(InferenceError::Runtime(format!(
            "ORT_DYLIB_PATH names `{}`, which is not there. `cargo xtask setup` fetches ONNX Runtime into a checkout",
            path.display()
        )));
    }
    let name = format!(
        "{}onnxruntime{}",
        env::consts::DLL_PREFIX,
        env::consts::DLL_SUFFIX
    );
    let mut folders = Vec::new();
    if let Some(folder) = env::current_exe().ok().as_deref().and_then(Path::parent) {
        folders.extend([folder.to_owned(), folder.join("../lib")]);
        // A checkout: target/<profile>/mien.
        folders.extend(
            folder
                .ancestors()
                .skip(1)
                .map(|folder| folder.join(SETUP_FOLDER)),
        );
    }
    folders.push(PathBuf::from(SETUP_FOLDER));
    let beside = folders
        .into_iter()
        .map(|folder| folder.join(&name))
        .find(|path| path.is_file());
    // A bare name is looked up by the system's loader.
    Ok(beside.unwrap_or_else(|| PathBuf::from(name)))
}

/// Whether sessions can use the GPU of this number; if not, why.
fn try_cuda(environment: &Environment, number: u32, options: CudaOptions) -> Result<(), String> {
    match ep::CUDA::is_available() {
        Ok(true) => {}
        Ok(false) => return Err("the loaded ONNX Runtime is built without CUDA".to_owned()),
        Err(error) => return Err(error.message().to_owned()),
    }
    // Registering loads the provider's libraries and asks the driver for the device.
    let mut session = Session::builder(environment).map_err(|e| e.message().to_owned())?;
    provider(number, options)
        .register(&mut session)
        .map_err(|error| error.message().to_owned())
}

/// The CUDA provider. Batches have every size from 1 up, and cuDNN's exhaustive search, the default, would
/// try all algorithms of every convolution anew for each size, in the middle of a request.
fn provider(number: u32, options: CudaOptions) -> ep::CUDA {
    let cuda = ep::CUDA::default()
        .with_device_id(i32::try_from(number).unwrap_or(i32::MAX))
        .with_conv_algorithm_search(ep::cuda::ConvAlgorithmSearch::Heuristic)
        .with_tf32(options.tf32);
    match options.memory_limit {
        Some(limit) => cuda.with_memory_limit(limit),
        None => cuda,
    }
}

#[cfg(test)]
mod tests {
    use super::DeviceChoice;

    #[test]
    fn devices_are_parsed() {
        assert_eq!("auto".parse(), Ok(DeviceChoice::Auto));
        assert_eq!("cpu".parse(), Ok(DeviceChoice::Cpu));
        assert_eq!("cuda".parse(), Ok(DeviceChoice::Cuda(0)));
        assert_eq!("cuda:1".parse(), Ok(DeviceChoice::Cuda(1)));
        for wrong in ["", "gpu", "cuda:", "cuda:x", "cpu:0", "cuda:-1"] {
            assert!(wrong.parse::<DeviceChoice>().is_err(), "{wrong}");
        }
    }
}
