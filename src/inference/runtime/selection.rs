//! Selection of the device, and the CUDA provider.

use ort::{
    environment::Environment,
    ep::{self, ExecutionProvider},
    session::Session,
};

use super::{CudaOptions, Device, DeviceChoice};
use crate::inference::InferenceError;

/// Selects the device and logs it.
///
/// # Errors
/// Returns an error with the remedy for [`DeviceChoice::Cuda`] without a usable GPU.
pub(super) fn select_device(
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
pub(super) fn cuda_provider(index: u32, options: CudaOptions) -> ep::CUDA {
    let cuda = ep::CUDA::default()
        .with_device_id(i32::try_from(index).unwrap_or(i32::MAX))
        .with_conv_algorithm_search(ep::cuda::ConvAlgorithmSearch::Heuristic)
        .with_tf32(options.tf32);
    match options.memory_limit {
        Some(limit) => cuda.with_memory_limit(limit),
        None => cuda,
    }
}
