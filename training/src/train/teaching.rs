//! When the teachers of a run answer: for every picture as the student sees it, or once for every face.

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
    batches::{AHEAD, Batch},
    data::FaceSet,
    tta::Tta,
};

/// Faces that teachers answer at a time, when they answer for all.
const AT_A_TIME: usize = 128;

/// Batches that teachers have answered, on a thread of their own. It ends with this, so that nothing runs on ONNX Runtime
/// when the process leaves.
#[derive(Debug)]
pub struct Lessons {
    batches: Option<Receiver<Result<Batch, TeacherError>>>,
    thread: Option<JoinHandle<()>>,
}

impl Lessons {
    /// Has the teachers answer every batch.
    pub fn new(teachers: Arc<Mutex<Teachers>>, batches: Receiver<Batch>) -> Self {
        let (sender, receiver) = mpsc::sync_channel(AHEAD);
        let thread = thread::spawn(move || {
            // A panic of an earlier epoch's thread has ended the run.
            let mut teachers = teachers.lock().unwrap_or_else(PoisonError::into_inner);
            for mut batch in batches {
                let large = batch.large.take();
                let pixels = large.as_ref().unwrap_or(&batch.pixels);
                let answered = teachers.answer(pixels).map(|taught| {
                    batch.taught = Some(taught);
                    batch
                });
                let failed = answered.is_err();
                // The reader has gone where the run was interrupted.
                if sender.send(answered).is_err() || failed {
                    return;
                }
            }
        });
        Self { batches: Some(receiver), thread: Some(thread) }
    }

    /// The next batch; `None` at the end of the epoch.
    ///
    /// # Errors
    /// A teacher's.
    pub fn take(&self) -> Result<Option<Batch>, TeacherError> {
        self.batches.as_ref().and_then(|batches| batches.recv().ok()).transpose()
    }
}

impl Drop for Lessons {
    fn drop(&mut self) {
        // Without a reader the thread stops after the batch in its hands.
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            // A panic has been told where it happened, and the epoch that lacks its batches ends with an error.
            let _ = thread.join();
        }
    }
}

/// The teachers' answers `[N, 7]` for faces as they are: the mean over each and its mirror image. `None` where `stop` was
/// set.
///
/// # Errors
/// A teacher's.
pub fn answers(
    teachers: &mut Teachers,
    faces: &FaceSet,
    stop: &AtomicBool,
) -> Result<Option<Vec<f32>>, TeacherError> {
    let views = Tta::Flip.views();
    let share = 1.0 / views.len() as f32;
    let mut answers = Vec::with_capacity(faces.len() * Expression::COUNT);
    let progress = progress::Teaching::new(faces.len());
    for faces in faces.faces.chunks(AT_A_TIME) {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let mut mean = vec![0.0; faces.len() * Expression::COUNT];
        for view in &views {
            let seen = faces.iter().map(|face| view.apply(face));
            let pixels: Vec<f32> = seen
                .flat_map(|face| face.pixels().iter().map(|&p| f32::from(p)).collect::<Vec<_>>())
                .collect();
            for (mean, p) in mean.iter_mut().zip(teachers.answer(&pixels)?) {
                *mean += p * share;
            }
        }
        answers.extend(mean);
        progress.answered(faces.len());
    }
    Ok(Some(answers))
}
