//! Settings of CUDA.

use clap::Args;

use super::parse;
use crate::inference::runtime::CudaOptions;

/// Settings of CUDA, without effect on a CPU.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "CUDA")]
pub struct CudaSettings {
    /// Maximum GPU memory of each session's arena. By default the arena may use all memory. At most 1TiB.
    #[arg(long, env = "MIEN_CUDA_MEMORY_LIMIT", value_name = "SIZE", value_parser = parse::size::<{ 1 << 40 }>)]
    pub cuda_memory_limit: Option<usize>,

    /// Use TF32 for convolutions. This is faster on Ampere and newer GPUs. TF32 has 10 bits of mantissa, so probabilities differ
    /// in the third digit.
    #[arg(long, env = "MIEN_CUDA_TF32")]
    pub cuda_tf32: bool,

    /// Copy the input of float32 models to the GPU as float16, which halves the bytes and rounds values to 11 bits. The uint8
    /// input of models that mien trains is not affected.
    #[arg(long, env = "MIEN_CUDA_FP16_INPUT")]
    pub cuda_fp16_input: bool,
}

impl CudaSettings {
    /// Converts the settings for the runtime.
    pub fn options(&self) -> CudaOptions {
        CudaOptions {
            memory_limit: self.cuda_memory_limit,
            tf32: self.cuda_tf32,
            fp16_input: self.cuda_fp16_input,
        }
    }
}
