//! Batches of augmented faces, made on a thread of their own while libtorch works on the one before.

use std::{
    sync::{Arc, mpsc},
    thread,
};

use mien_faces::expression::Expression;
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};

use crate::{augment::Augment, data::FaceSet};

mod mixup;
mod shrink;

use mixup::Mixing;

/// Batches made ahead of the one in use.
pub(crate) const AHEAD: usize = 3;

/// Faces and labels of one step.
#[derive(Debug, Default)]
pub struct Batch {
    /// Gray values 0..255, `[count, 1, side, side]`, row-major.
    pub pixels: Vec<f32>,
    /// Class indices, `[count]`; of mixed faces those of the larger share.
    pub labels: Vec<i64>,
    /// Side of the faces, px.
    pub side: usize,
    /// The other labels, where the faces are mixed.
    pub mixed: Option<Mixed>,
    /// The same pictures at the faces' own side, where that is larger: `[count, 1, S, S]`.
    pub large: Option<Vec<f32>>,
    /// Probabilities that teachers gave, `[count, 7]`, where there are teachers.
    pub taught: Option<Vec<f32>>,
}

/// The smaller share of mixed faces.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixed {
    /// Class indices, `[count]`.
    pub labels: Vec<i64>,
    /// Their share, 0 to 0.5.
    pub share: f64,
}

impl Batch {
    /// How many faces it has.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The batch cut into parts of `size` faces, the last one perhaps smaller.
    pub fn parts(&self, size: usize) -> impl Iterator<Item = Part<'_>> {
        let area = self.side * self.side;
        (0..self.len()).step_by(size).map(move |from| {
            let to = (from + size).min(self.len());
            Part {
                pixels: &self.pixels[from * area..to * area],
                labels: &self.labels[from..to],
                side: self.side,
                mixed: self.mixed.as_ref().map(|mixed| (&mixed.labels[from..to], mixed.share)),
                taught: self
                    .taught
                    .as_deref()
                    .map(|rows| &rows[from * Expression::COUNT..to * Expression::COUNT]),
            }
        })
    }
}

/// Some faces of a [`Batch`].
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// Gray values 0..255, `[count, 1, side, side]`, row-major.
    pub pixels: &'a [f32],
    /// Class indices, `[count]`; of mixed faces those of the larger share.
    pub labels: &'a [i64],
    /// Side of the faces, px.
    pub side: usize,
    /// Labels of the smaller share, `[count]`, and that share, where the faces are mixed.
    pub mixed: Option<(&'a [i64], f64)>,
    /// Probabilities that teachers gave, `[count, 7]`, where there are teachers.
    pub taught: Option<&'a [f32]>,
}

/// Which batches an epoch consists of.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Faces a batch.
    pub batch: usize,
    /// The run's seed; with the epoch it fixes order and augmentation.
    pub seed: u64,
    /// The epoch, from 0.
    pub epoch: usize,
    /// Batches to leave out at the beginning: those that an interrupted run has done.
    pub skip: usize,
    /// Side of the pictures, px; where the faces are larger, they are changed at their own side and then shrunk.
    pub side: usize,
    /// Changes to the faces.
    pub augment: Augment,
    /// `alpha` of mixup; 0 for none.
    pub mixup: f64,
}

/// Batches of an epoch of `faces` faces: the last one, where it is not full, is left out unless it is the only one.
pub fn steps(faces: usize, batch: usize) -> usize {
    (faces / batch).max(1)
}

/// Starts making an epoch's batches in shuffled order, with the teachers' `answers` to the faces, `[N, 7]`, where they gave
/// them once. The channel closes after the last one.
pub fn epoch(
    faces: Arc<FaceSet>,
    answers: Option<Arc<[f32]>>,
    plan: Plan,
) -> mpsc::Receiver<Batch> {
    let (sender, receiver) = mpsc::sync_channel(AHEAD);
    thread::spawn(move || {
        let mut order: Vec<usize> = (0..faces.len()).collect();
        order.shuffle(&mut StdRng::seed_from_u64(mix(plan.seed, plan.epoch, usize::MAX)));
        let total = steps(faces.len(), plan.batch);
        for (step, indices) in order.chunks(plan.batch).take(total).enumerate().skip(plan.skip) {
            let taught = answers.as_deref().map(|answers| rows(answers, indices));
            // The receiver is dropped when the run is interrupted.
            if sender.send(make(&faces, taught, indices, plan, step)).is_err() {
                return;
            }
        }
    });
    receiver
}

/// The answers to some faces.
fn rows(answers: &[f32], indices: &[usize]) -> Vec<f32> {
    let (rows, _) = answers.as_chunks::<{ Expression::COUNT }>();
    indices.iter().flat_map(|&index| rows[index]).collect()
}

/// Makes the batch of one step; `taught` are the cached teacher outputs for its faces, if there are any.
fn make(
    faces: &FaceSet,
    mut taught: Option<Vec<f32>>,
    indices: &[usize],
    plan: Plan,
    step: usize,
) -> Batch {
    let area = faces.side * faces.side;
    let mut rng = StdRng::seed_from_u64(mix(plan.seed, plan.epoch, step));
    let mut pixels = vec![0.0; indices.len() * area];
    for (&index, out) in indices.iter().zip(pixels.chunks_exact_mut(area)) {
        plan.augment.apply(&faces.faces[index], &mut rng, out);
    }
    let labels: Vec<i64> = indices.iter().map(|&i| faces.labels[i].index() as i64).collect();
    let mixed = (plan.mixup > 0.0).then(|| {
        let mixing = Mixing::draw(plan.mixup, &mut rng, labels.len());
        mixing.apply(&mut pixels);
        // Mixup mixes whole targets (section 2), so soft targets are mixed like the labels.
        if let Some(taught) = &mut taught {
            mixing.apply(taught);
        }
        mixing.of_labels(&labels)
    });
    let (pixels, large) = if plan.side == faces.side {
        (pixels, None)
    } else {
        (shrink::pictures(&pixels, faces.side, plan.side), Some(pixels))
    };
    Batch { pixels, labels, side: plan.side, mixed, large, taught }
}

/// One seed of a run's seed, epoch and step (the finaliser of SplitMix64, Steele et al. 2014).
pub(crate) fn mix(seed: u64, epoch: usize, step: usize) -> u64 {
    [seed, epoch as u64, step as u64].into_iter().fold(0, |state: u64, part| {
        let mut z = state.wrapping_add(part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

#[cfg(test)]
mod tests;
