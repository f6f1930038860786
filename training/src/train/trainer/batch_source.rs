//! Source of an epoch's batches. It measures how long the trainer waits for each batch.

use std::{
    sync::mpsc::Receiver,
    time::{Duration, Instant},
};

use crate::{
    batches::Batch,
    train::distillation::{online::TeacherStage, teacher::TeacherError},
};

/// The batches of an epoch, which other threads produce.
#[derive(Debug)]
pub(super) struct BatchSource {
    source: Source,
    wait_time: Duration,
}

#[derive(Debug)]
enum Source {
    WithoutTeachers(Receiver<Batch>),
    Distilled(TeacherStage),
}

impl BatchSource {
    /// Reads batches directly from the threads that augment faces.
    pub(super) fn without_teachers(batches: Receiver<Batch>) -> Self {
        Self {
            source: Source::WithoutTeachers(batches),
            wait_time: Duration::ZERO,
        }
    }

    /// Reads batches with soft targets from a teacher stage.
    pub(super) fn distilled(stage: TeacherStage) -> Self {
        Self {
            source: Source::Distilled(stage),
            wait_time: Duration::ZERO,
        }
    }

    /// Returns the next batch, or `None` at the end of the epoch.
    ///
    /// # Errors
    /// Returns an error if a teacher fails.
    pub(super) fn next_batch(&mut self) -> Result<Option<Batch>, TeacherError> {
        let start = Instant::now();
        let batch = match &self.source {
            Source::WithoutTeachers(batches) => Ok(batches.recv().ok()),
            Source::Distilled(stage) => stage.next_batch(),
        };
        self.wait_time = start.elapsed();
        batch
    }

    /// Returns how long the last call of [`Self::next_batch`] waited.
    pub(super) fn wait_time(&self) -> Duration {
        self.wait_time
    }
}
