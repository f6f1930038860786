//! Batches of augmented faces. A background thread produces them while libtorch trains on earlier ones.

use std::{
    sync::{Arc, mpsc},
    thread,
};

use mien_faces::expression::Expression;
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};

use crate::{augment::Augment, data::FaceSet};

mod downscale;
mod mixup;

use mixup::Mixing;

/// Batches that are produced ahead of the current one.
pub(crate) const PREFETCH: usize = 3;

/// Faces and labels of one step.
#[derive(Debug, Default)]
pub struct Batch {
    /// Gray values 0..255, `[count, 1, side, side]`, row-major.
    pub pixels: Vec<f32>,
    /// Class indices, `[count]`. With mixup, the labels of the larger share.
    pub labels: Vec<i64>,
    /// Height and width of the images, px.
    pub side: usize,
    /// Labels of the smaller share; `None` without mixup.
    pub mixed: Option<Mixed>,
    /// The same images at the size of the face set, `[count, 1, S, S]`; `None` if that is `side`.
    pub large: Option<Vec<f32>>,
    /// Probabilities of the teachers, `[count, 7]`; `None` without teachers.
    pub soft_targets: Option<Vec<f32>>,
}

/// The smaller share of faces that mixup mixed.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixed {
    /// Class indices, `[count]`.
    pub labels: Vec<i64>,
    /// Share of these labels, 0 to 0.5.
    pub share: f64,
}

impl Batch {
    /// Returns the number of faces.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Returns whether the batch is empty.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Splits the batch into micro-batches of `size` faces. The last one can be smaller.
    pub fn parts(&self, size: usize) -> impl Iterator<Item = MicroBatch<'_>> {
        let area = self.side * self.side;
        (0..self.len()).step_by(size).map(move |from| {
            let to = (from + size).min(self.len());
            MicroBatch {
                pixels: &self.pixels[from * area..to * area],
                labels: &self.labels[from..to],
                side: self.side,
                mixed: self
                    .mixed
                    .as_ref()
                    .map(|mixed| (&mixed.labels[from..to], mixed.share)),
                soft_targets: self
                    .soft_targets
                    .as_deref()
                    .map(|rows| &rows[from * Expression::COUNT..to * Expression::COUNT]),
            }
        })
    }
}

/// A slice of a [`Batch`].
#[derive(Debug, Clone, Copy)]
pub struct MicroBatch<'a> {
    /// Gray values 0..255, `[count, 1, side, side]`, row-major.
    pub pixels: &'a [f32],
    /// Class indices, `[count]`. With mixup, the labels of the larger share.
    pub labels: &'a [i64],
    /// Height and width of the images, px.
    pub side: usize,
    /// Labels of the smaller share, `[count]`, and that share, 0 to 0.5; `None` without mixup.
    pub mixed: Option<(&'a [i64], f64)>,
    /// Probabilities of the teachers, `[count, 7]`; `None` without teachers.
    pub soft_targets: Option<&'a [f32]>,
}

/// Parameters of the batches of one epoch.
#[derive(Debug, Clone, Copy)]
pub struct EpochPlan {
    /// Faces per batch.
    pub batch: usize,
    /// The run's seed. Seed and epoch determine order and augmentation.
    pub seed: u64,
    /// The epoch, from 0.
    pub epoch: usize,
    /// Number of batches to skip at the start, because an interrupted run has processed them.
    pub skip: usize,
    /// Height and width of the images, px. Larger faces are augmented at their own size and then downscaled.
    pub side: usize,
    /// Augmentation of the faces.
    pub augment: Augment,
    /// `alpha` of mixup; 0 disables it.
    pub mixup: f64,
}

/// Returns the number of batches of an epoch of `faces` faces. An incomplete last batch is dropped unless it is the only
/// one.
pub fn steps(faces: usize, batch: usize) -> usize {
    (faces / batch).max(1)
}

/// Starts a thread that produces an epoch's batches in shuffled order. `cached_targets` are the cached teacher outputs for
/// the faces, `[N, 7]`. The channel closes after the last batch.
pub fn epoch(
    faces: Arc<FaceSet>,
    cached_targets: Option<Arc<[f32]>>,
    plan: EpochPlan,
) -> mpsc::Receiver<Batch> {
    let (sender, receiver) = mpsc::sync_channel(PREFETCH);
    thread::spawn(move || {
        let mut order: Vec<usize> = (0..faces.len()).collect();
        order.shuffle(&mut StdRng::seed_from_u64(derive_seed(
            plan.seed,
            plan.epoch,
            usize::MAX,
        )));
        let total = steps(faces.len(), plan.batch);
        for (step, indices) in order
            .chunks(plan.batch)
            .take(total)
            .enumerate()
            .skip(plan.skip)
        {
            let soft_targets = cached_targets
                .as_deref()
                .map(|targets| rows(targets, indices));
            // The receiver is dropped when the run is interrupted.
            if sender
                .send(make(&faces, soft_targets, indices, plan, step))
                .is_err()
            {
                return;
            }
        }
    });
    receiver
}

/// Returns the rows of the faces with these indices.
fn rows(targets: &[f32], indices: &[usize]) -> Vec<f32> {
    let (rows, _) = targets.as_chunks::<{ Expression::COUNT }>();
    indices.iter().flat_map(|&index| rows[index]).collect()
}

/// Returns the batch of one step. `soft_targets` are the cached teacher outputs for its faces, if there are any.
fn make(
    faces: &FaceSet,
    mut soft_targets: Option<Vec<f32>>,
    indices: &[usize],
    plan: EpochPlan,
    step: usize,
) -> Batch {
    let area = faces.side * faces.side;
    let mut rng = StdRng::seed_from_u64(derive_seed(plan.seed, plan.epoch, step));
    let mut pixels = vec![0.0; indices.len() * area];
    for (&index, out) in indices.iter().zip(pixels.chunks_exact_mut(area)) {
        plan.augment.apply(&faces.faces[index], &mut rng, out);
    }
    let labels: Vec<i64> = indices
        .iter()
        .map(|&i| faces.labels[i].index() as i64)
        .collect();
    let mixed = (plan.mixup > 0.0).then(|| {
        let mixing = Mixing::draw(plan.mixup, &mut rng, labels.len());
        mixing.apply(&mut pixels);
        // Mixup mixes whole targets (section 2), so soft targets are mixed like the labels.
        if let Some(soft_targets) = &mut soft_targets {
            mixing.apply(soft_targets);
        }
        mixing.of_labels(&labels)
    });
    let (pixels, large) = if plan.side == faces.side {
        (pixels, None)
    } else {
        (
            downscale::images(&pixels, faces.side, plan.side),
            Some(pixels),
        )
    };
    Batch {
        pixels,
        labels,
        side: plan.side,
        mixed,
        large,
        soft_targets,
    }
}

/// Derives one seed from a run's seed, epoch and step with the finaliser of SplitMix64 (Steele et al. 2014).
pub(crate) fn derive_seed(seed: u64, epoch: usize, step: usize) -> u64 {
    [seed, epoch as u64, step as u64]
        .into_iter()
        .fold(0, |state: u64, part| {
            let mut z = state.wrapping_add(part).wrapping_add(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        })
}

#[cfg(test)]
mod tests;
