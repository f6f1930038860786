//! Settings of models on a GPU.

use clap::Args;

use super::parse;
use crate::inference::runtime::CudaOptions;

/// How CUDA is used; without a GPU they mean nothing.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "CUDA")]
pub struct CudaSettings {
    /// The most memory of the GPU that ONNX Runtime's arena of each session may grow to. Without it all there is.
    #[arg(long, env = "MIEN_CUDA_MEMORY_LIMIT", value_name = "SIZE", value_parser = parse::size)]
    pub cuda_memory_limit: Option<usize>,

    /// Convolve in TF32: faster on Ampere and newer, with 10 bits of mantissa; probabilities then differ in the third digit.
    #[arg(long, env = "MIEN_CUDA_TF32")]
    pub cuda_tf32: bool,

    /// Copy the pictures of float32 models to the GPU as float16: half the bytes, and values of 11 bits. Models of bytes, as
    /// mien trains them, copy a quarter anyway and stay as they are.
    #[arg(long, env = "MIEN_CUDA_FP16_INPUT")]
    pub cuda_fp16_input: bool,
}

impl CudaSettings {
    /// As the runtime takes them.
    pub fn options(&self) -> CudaOptions {
        CudaOptions {
            memory_limit: self.cuda_memory_limit,
            tf32: self.cuda_tf32,
            fp16_input: self.cuda_fp16_input,
        }
    }
}
