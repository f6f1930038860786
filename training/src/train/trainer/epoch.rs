//! One epoch: its steps, when it is saved, what it leaves in the history.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use mien_faces::report::Confusion;

use super::{Outcome, Trainer};
use crate::{
    batches::{self, Plan},
    data::FaceSet,
    evaluate,
    train::{
        checkpoint::State,
        error::TrainError,
        feed::Feed,
        history::EpochRow,
        loss::Loss,
        progress::{self, Progress},
        records,
        teaching::Lessons,
    },
};

impl Trainer {
    /// Takes the steps of the epoch under way that are not done yet.
    pub(super) fn epoch(
        &mut self,
        faces: &Arc<FaceSet>,
        side: usize,
        loss: &Loss,
        budget: &mut usize,
    ) -> Result<Outcome, TrainError> {
        let (epoch, steps) = (self.state.epoch, batches::steps(faces.len(), self.recipe.batch));
        let mut feed = self.feed(faces, side);
        let progress = Progress::new(epoch, self.recipe.epochs, side, steps, self.state.step);
        let mut saved = Instant::now();
        loop {
            let begun = Instant::now();
            let Some(batch) = feed.take()? else { break };
            if *budget == 0 || self.control.interrupted.load(Ordering::Relaxed) {
                return Ok(Outcome::Interrupted);
            }
            *budget -= 1;
            self.step(&batch, loss, steps)?;
            let total = begun.elapsed();
            self.clock.data += feed.waited();
            self.clock.total += total;
            self.state.seconds += total.as_secs_f64();
            self.state.waited += feed.waited().as_secs_f64();
            self.show(&progress, steps);
            if saved.elapsed() >= self.control.save_every {
                self.save()?;
                saved = Instant::now();
            }
        }
        if self.state.step < steps {
            let step = self.state.step;
            return Err(TrainError::Starved { epoch: epoch + 1, step, steps });
        }
        Ok(Outcome::Finished)
    }

    /// Starts the threads that make the epoch's batches.
    fn feed(&self, faces: &Arc<FaceSet>, side: usize) -> Feed {
        let batches = batches::epoch(
            Arc::clone(faces),
            self.answers.clone(),
            Plan {
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
            Some(teachers) if self.answers.is_none() => {
                Feed::taught(Lessons::new(Arc::clone(teachers), batches))
            }
            _ => Feed::plain(batches),
        }
    }

    fn show(&self, progress: &Progress, steps: usize) {
        let state = &self.state;
        let seen = state.seen as f64;
        let rate = seen / state.seconds;
        // Every face costs in proportion to its area: what is left of each phase, at its own size.
        let area = |epoch: usize| (self.recipe.side(epoch) as f64).powi(2);
        let left_here = (steps - state.step) as f64 / steps as f64 * area(state.epoch);
        let left: f64 = left_here + (state.epoch + 1..self.recipe.epochs).map(area).sum::<f64>();
        let per_area = state.seconds / (state.step as f64 / steps as f64 * area(state.epoch));
        progress.step(state.loss_sum / seen, state.correct as f64 / seen, rate, left * per_area);
    }

    /// Judges the averaged weights, adds the epoch's row and saves.
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
        self.record(held.map(|h| h.confusion).as_ref())
    }

    /// Saves a finished epoch and shows it.
    fn record(&self, held: Option<&Confusion>) -> Result<(), TrainError> {
        let (folder, network) = (&self.control.folder, self.network.name());
        let history = &self.state.history;
        // Before the checkpoint: a finished run never lacks its last row, nor its matrix.
        records::history(folder, history)?;
        if let Some(confusion) = held {
            records::confusion(folder, network, confusion)?;
        }
        self.save()?;
        records::epochs(folder, network, history)?;
        if let Some(row) = history.last() {
            progress::report(row, self.recipe.epochs);
        }
        Ok(())
    }
}
