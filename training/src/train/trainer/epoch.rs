//! One epoch: its steps, its checkpoints and its row in the history.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use mien_faces::report::Confusion;

use super::{Outcome, Trainer, batch_source::BatchSource, error::TrainError, loss::Loss};
use crate::{
    batches::{self, EpochPlan},
    data::FaceSet,
    evaluate,
    train::{
        distillation::online::TeacherStage,
        progress::{self, Progress},
        run::{artifacts, checkpoint::State, history::EpochRow},
    },
};

impl Trainer {
    /// Runs the remaining steps of the current epoch.
    pub(super) fn epoch(
        &mut self,
        faces: &Arc<FaceSet>,
        side: usize,
        loss: &Loss,
        budget: &mut usize,
    ) -> Result<Outcome, TrainError> {
        let (epoch, steps) = (
            self.state.epoch,
            batches::steps(faces.len(), self.recipe.batch),
        );
        let mut source = self.batch_source(faces, side);
        let progress = Progress::new(epoch, self.recipe.epochs, side, steps, self.state.step);
        let mut saved = Instant::now();
        loop {
            let start = Instant::now();
            let Some(batch) = source.next_batch()? else {
                break;
            };
            if *budget == 0 || self.control.interrupted.load(Ordering::Relaxed) {
                return Ok(Outcome::Interrupted);
            }
            *budget -= 1;
            self.step(&batch, loss, steps)?;
            let total = start.elapsed();
            self.timings.data += source.wait_time();
            self.timings.total += total;
            self.state.seconds += total.as_secs_f64();
            self.state.waited += source.wait_time().as_secs_f64();
            self.show_progress(&progress, steps);
            if saved.elapsed() >= self.control.save_every {
                self.save()?;
                saved = Instant::now();
            }
        }
        if self.state.step < steps {
            let step = self.state.step;
            return Err(TrainError::BatchesEnded {
                epoch: epoch + 1,
                step,
                steps,
            });
        }
        Ok(Outcome::Finished)
    }

    /// Starts the threads that produce the epoch's batches.
    fn batch_source(&self, faces: &Arc<FaceSet>, side: usize) -> BatchSource {
        let batches = batches::epoch(
            Arc::clone(faces),
            self.cached_targets.clone(),
            EpochPlan {
                batch: self.recipe.batch,
                epoch: self.state.epoch,
                seed: self.recipe.seed,
                skip: self.state.step,
                side,
                augment: self.recipe.augment(self.state.epoch),
                mixup: self.recipe.mixup,
            },
        );
        match &self.teachers {
            Some(teachers) if self.cached_targets.is_none() => {
                BatchSource::distilled(TeacherStage::new(Arc::clone(teachers), batches))
            }
            _ => BatchSource::without_teachers(batches),
        }
    }

    fn show_progress(&self, progress: &Progress, steps: usize) {
        let state = &self.state;
        let seen = state.seen as f64;
        let rate = seen / state.seconds;
        // The time of a step is proportional to the area of the faces, and the area differs between phases.
        let area = |epoch: usize| (self.recipe.side(epoch) as f64).powi(2);
        let left_here = (steps - state.step) as f64 / steps as f64 * area(state.epoch);
        let left: f64 = left_here + (state.epoch + 1..self.recipe.epochs).map(area).sum::<f64>();
        let per_area = state.seconds / (state.step as f64 / steps as f64 * area(state.epoch));
        progress.step(
            state.loss_sum / seen,
            state.correct as f64 / seen,
            rate,
            left * per_area,
        );
    }

    /// Evaluates the averaged weights, adds the epoch's row to the history and saves a checkpoint.
    pub(super) fn close_epoch(
        &mut self,
        side: usize,
        faces: usize,
        holdout: &FaceSet,
    ) -> Result<(), TrainError> {
        let steps = batches::steps(faces, self.recipe.batch);
        let state = &mut self.state;
        let seen = state.seen as f64;
        let held = match holdout.is_empty() {
            true => None,
            false => Some(evaluate::with_libtorch(
                &self.network,
                self.ema.weights(),
                holdout,
                self.device,
            )?),
        };
        state.history.push(EpochRow {
            epoch: state.epoch + 1,
            side,
            learning_rate: self
                .recipe
                .learning_rate_at(state.total_steps - 1, steps * self.recipe.epochs),
            train_loss: state.loss_sum / seen,
            train_accuracy: state.correct as f64 / seen,
            holdout_accuracy: held.as_ref().map(|h| h.accuracy),
            holdout_loss: held.as_ref().map(|h| h.nll),
            seconds: state.seconds,
            images_per_second: seen / state.seconds,
            waited_seconds: state.waited,
        });
        let history = std::mem::take(&mut state.history);
        *state = State {
            epoch: state.epoch + 1,
            total_steps: state.total_steps,
            history,
            ..State::default()
        };
        self.save_epoch(held.map(|h| h.confusion).as_ref())
    }

    /// Saves a finished epoch and prints its row.
    fn save_epoch(&self, held: Option<&Confusion>) -> Result<(), TrainError> {
        let (folder, network) = (&self.control.folder, self.network.name());
        let history = &self.state.history;
        // Written before the checkpoint, so that a finished run always has its last row and its confusion matrix.
        artifacts::write_history(folder, history)?;
        if let Some(confusion) = held {
            artifacts::draw_confusion(folder, network, confusion)?;
        }
        self.save()?;
        artifacts::update(folder, network, history)?;
        if let Some(row) = history.last() {
            progress::report(row, self.recipe.epochs);
        }
        Ok(())
    }
}
