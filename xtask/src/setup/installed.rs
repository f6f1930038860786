//! The installed files of `.runtime/`.

use std::path::PathBuf;

use super::{NVIDIA, NVIDIA_TRAINING, ONNX_RUNTIME, ONNX_RUNTIME_GPU, OPENVINO, YUNET};
use crate::{wheel::Wheel, workspace::runtime};

/// Returns the directories of the CUDA libraries, for the search path of the loader.
pub(crate) fn nvidia() -> impl Iterator<Item = PathBuf> {
    let components = [NVIDIA, NVIDIA_TRAINING].into_iter();
    components
        .filter(|part| part.is_complete(&runtime()))
        .map(|part| part.path(&runtime()))
}

/// Returns the wheels of the files that the server uses.
pub(crate) fn serving_wheels() -> impl Iterator<Item = &'static Wheel> {
    let components = [ONNX_RUNTIME, ONNX_RUNTIME_GPU, NVIDIA, OPENVINO, YUNET].into_iter();
    components
        .filter(|part| part.is_complete(&runtime()))
        .flat_map(|part| part.wheels)
}
