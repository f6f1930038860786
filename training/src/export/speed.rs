//! Measures the latency of a model file.

use std::time::Instant;

use mien_faces::image::Face;

use super::ExportError;
use crate::{
    machine::Machine,
    onnx::session::{Model, Runtime},
    report::Speed,
};

/// Inference calls before the measurement.
const WARM_UP: usize = 5;

/// Measured inference calls.
const RUNS: usize = 51;

/// Measures the median latency at batch size 1 on one thread.
pub(super) fn measure(
    runtime: &Runtime,
    bytes: &[u8],
    faces: &[Face],
    machine: Machine,
) -> Result<Speed, ExportError> {
    let mut model = Model::open_on_one_thread(runtime, bytes)?;
    let mut times = Vec::with_capacity(RUNS);
    for face in faces.iter().cycle().take(WARM_UP + RUNS) {
        let start = Instant::now();
        model.run(std::slice::from_ref(face))?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let mut times = times.split_off(WARM_UP.min(times.len()));
    times.sort_by(f64::total_cmp);
    let milliseconds = times.get(times.len() / 2).copied().unwrap_or_default();
    Ok(Speed {
        milliseconds,
        runs: times.len(),
        machine,
    })
}
