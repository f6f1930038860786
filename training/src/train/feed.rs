//! Where the trainer gets its batches, and how long it waits for them.

use std::{
    sync::mpsc::Receiver,
    time::{Duration, Instant},
};

use super::{teacher::TeacherError, teaching::Lessons};
use crate::batches::Batch;

/// The batches of an epoch, made on other threads.
#[derive(Debug)]
pub struct Feed {
    source: Source,
    waited: Duration,
}

#[derive(Debug)]
enum Source {
    Plain(Receiver<Batch>),
    Taught(Lessons),
}

impl Feed {
    /// Batches as they are made.
    pub fn plain(batches: Receiver<Batch>) -> Self {
        Self { source: Source::Plain(batches), waited: Duration::ZERO }
    }

    /// Batches that teachers have answered.
    pub fn taught(lessons: Lessons) -> Self {
        Self { source: Source::Taught(lessons), waited: Duration::ZERO }
    }

    /// The next batch; `None` at the end of the epoch.
    ///
    /// # Errors
    /// A teacher's.
    pub fn take(&mut self) -> Result<Option<Batch>, TeacherError> {
        let start = Instant::now();
        let batch = match &self.source {
            Source::Plain(batches) => Ok(batches.recv().ok()),
            Source::Taught(lessons) => lessons.take(),
        };
        self.waited = start.elapsed();
        batch
    }

    /// How long the last batch was waited for.
    pub fn waited(&self) -> Duration {
        self.waited
    }
}
