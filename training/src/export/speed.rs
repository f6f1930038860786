//! Measures the latency of model files.

use std::time::Instant;

use mien_faces::image::Face;

use crate::{
    machine::Machine,
    onnx::session::{Model, Runtime, SessionError},
    report::Speed,
};

/// Inference calls before the measurement.
const WARM_UP: usize = 5;

/// Measured inference calls.
const RUNS: usize = 51;

/// Measures the median latency of each file at batch size 1 on one thread. The files run by turns, so that other programs
/// on the machine slow all of them down.
pub(crate) fn measure<const FILES: usize>(
    runtime: &Runtime,
    files: [&[u8]; FILES],
    faces: &[Face],
    machine: &Machine,
) -> Result<[Speed; FILES], SessionError> {
    let models = files.map(|bytes| Model::open_on_one_thread(runtime, bytes));
    let mut models = models.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut times = [const { Vec::new() }; FILES];
    for face in faces.iter().cycle().take(WARM_UP + RUNS) {
        for (model, times) in models.iter_mut().zip(&mut times) {
            let start = Instant::now();
            model.run(std::slice::from_ref(face))?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(times.map(|mut times| {
        let mut times = times.split_off(WARM_UP.min(times.len()));
        times.sort_by(f64::total_cmp);
        Speed {
            milliseconds: times.get(times.len() / 2).copied().unwrap_or_default(),
            runs: times.len(),
            machine: machine.clone(),
        }
    }))
}
