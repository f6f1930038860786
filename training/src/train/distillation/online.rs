//! Soft targets for every augmented image (`distill.targets = "online"`).

use std::{
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver},
    },
    thread::{self, JoinHandle},
};

use mien_host::sync::lock;

use super::teacher::{TeacherError, Teachers};
use crate::batches::{Batch, PREFETCH};

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
            let mut teachers = lock(&teachers);
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
    /// Returns an error if a teacher fails.
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
