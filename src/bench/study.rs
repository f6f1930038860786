//! The figures of a network.

use mien_loadgen::{load::LoadResult, process::Usage};
use serde::{Deserialize, Serialize};

use super::{baseline::Raw, interleaved::Interleaved, overload::Overload};
use crate::{inference::engine::Execution, tuning::Point};

/// The figures of a network.
#[derive(Debug, Clone, Serialize)]
pub struct Study {
    /// Name of the network.
    pub name: String,
    /// Engine and precision.
    pub execution: Execution,
    /// Raw ONNX Runtime.
    pub raw: Raw,
    /// One session with the thread count of the server, one image at a time.
    pub single: Point,
    /// The batcher with many callers in one process.
    pub batcher: LoadResult,
    /// Serving configuration of the server.
    pub serving: Serving,
    /// Start-up times in seconds.
    pub ready_seconds: Ready,
    /// Comparison of the server with raw ONNX Runtime.
    pub interleaved: Interleaved,
    /// Over HTTP: closed loops of [`super::suite::CONNECTIONS`], then an open loop.
    pub http: Vec<LoadResult>,
    /// Overload, if it can be offered.
    pub overload: Option<Overload>,
    /// Memory of the server.
    pub memory: Memory,
}

/// Serving configuration as the API returns it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names of the route's document")]
pub struct Serving {
    pub instances: usize,
    pub intra_op_threads: usize,
    pub max_batch: usize,
    pub max_queue_size: usize,
}

/// Times from the start in seconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Ready {
    /// Readiness without a stored curve.
    pub first: f64,
    /// End of a reliable measurement of the curve. `None` if there was none within a minute, or with `MIEN_TUNE=off`.
    pub measured: Option<f64>,
    /// Readiness with a stored curve.
    pub cached: f64,
}

/// Resident memory.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Memory {
    /// At readiness with a stored curve.
    pub ready: Usage,
    /// After all loads.
    pub end: Usage,
}
