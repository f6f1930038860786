//! Soft targets of the teachers: online for every augmented image, or once for every face.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver},
    },
    thread::{self, JoinHandle},
};

use mien_faces::expression::Expression;

use super::{
    progress,
    teacher::{TeacherError, Teachers},
};
use crate::{
    batches::{Batch, PREFETCH},
    data::FaceSet,
    tta::Tta,
};

/// Faces per pass when the outputs for all faces are computed.
const CHUNK: usize = 128;

/// Pipeline stage that adds soft targets to batches on its own thread. Dropping the stage joins the thread, so that ONNX
/// Runtime is idle when the process exits.
#[derive(Debug)]
pub struct TeacherStage {
    batches: Option<Receiver<Result<Batch, TeacherError>>>,
    thread: Option<JoinHandle<()>>,
}

impl TeacherStage {
    /// Starts the thread that adds soft targets to every batch.
    pub fn new(teachers: Arc<Mutex<Teachers>>, batches: Receiver<Batch>) -> Self {
        let (sender, receiver) = mpsc::sync_channel(PREFETCH);
        let thread = thread::spawn(move || {
            // A poisoned lock is harmless: a panic in an earlier epoch's thread has already ended the run.
            let mut teachers = teachers.lock().unwrap_or_else(PoisonError::into_inner);
            for mut batch in batches {
                let large = batch.large.take();
                let pixels = large.as_ref().unwrap_or(&batch.pixels);
                let result = teachers.soft_targets(pixels).map(|soft_targets| {
                    batch.soft_targets = Some(soft_targets);
                    batch
                });
                let failed = result.is_err();
                // The receiver is dropped when the run is interrupted.
                if sender.send(result).is_err() || failed {
                    return;
                }
            }
        });
        Self {
            batches: Some(receiver),
            thread: Some(thread),
        }
    }

    /// Returns the next batch, or `None` at the end of the epoch.
    ///
    /// # Errors
    /// When a teacher fails.
    pub fn next_batch(&self) -> Result<Option<Batch>, TeacherError> {
        self.batches
            .as_ref()
            .and_then(|batches| batches.recv().ok())
            .transpose()
    }
}

impl Drop for TeacherStage {
    fn drop(&mut self) {
        // Without a receiver the thread stops after its current batch.
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            // The panic hook has printed a panic, and the epoch without its batches ends with an error.
            let _ = thread.join();
        }
    }
}

/// The teachers' answers `[N, 7]` for faces as they are: the mean over each and its mirror image. `None` where `stop` was
/// set. A model file with two views (`mien-train export --views flip`) gives a face and its mirror image the same
/// answer: averaging them again changes nothing and doubles the file's time.
///
/// # Errors
/// When a teacher fails.
pub fn soft_targets(
    teachers: &mut Teachers,
    faces: &FaceSet,
    stop: &AtomicBool,
) -> Result<Option<Vec<f32>>, TeacherError> {
    let views = Tta::Flip.views();
    let share = 1.0 / views.len() as f32;
    let mut targets = Vec::with_capacity(faces.len() * Expression::COUNT);
    let progress = progress::TeacherProgress::new(faces.len());
    for faces in faces.faces.chunks(CHUNK) {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let mut mean = vec![0.0; faces.len() * Expression::COUNT];
        for view in &views {
            let images = faces.iter().map(|face| view.apply(face));
            let pixels: Vec<f32> = images
                .flat_map(|face| {
                    face.pixels()
                        .iter()
                        .map(|&p| f32::from(p))
                        .collect::<Vec<_>>()
                })
                .collect();
            for (mean, p) in mean.iter_mut().zip(teachers.soft_targets(&pixels)?) {
                *mean += p * share;
            }
        }
        targets.extend(mean);
        progress.advance(faces.len());
    }
    Ok(Some(targets))
}
