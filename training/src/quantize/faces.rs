//! The training faces of a quantisation: those of the calibration and those that the model held out.

use std::path::Path;

use mien_faces::{
    dataset::{Dataset, Split},
    image::Face,
};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};

use super::QuantizeError;
use crate::{
    arch::catalog,
    data::FaceSet,
    export::{
        Origin,
        test_evaluation::{self, Labelled},
    },
};

/// The faces that a quantisation uses.
pub(super) struct Parts {
    /// Faces that the model was trained on.
    pub(super) calibration: Vec<Face>,
    /// Faces that the model held out; at least one.
    pub(super) held_out: Vec<Labelled>,
}

/// Loads the training split and checks that the model was trained on it.
pub(super) fn of_training(
    dataset: &Dataset,
    data: &Path,
    origin: &Origin,
) -> Result<FaceSet, QuantizeError> {
    let here = dataset.fingerprint(Split::Train)?;
    if here != origin.data_sha256 {
        let there = origin.data_sha256.clone();
        return Err(QuantizeError::OtherData { there, here });
    }
    Ok(FaceSet::load(
        dataset,
        data,
        Split::Train,
        catalog::INPUT_SIDE,
    )?)
}

/// Splits the training faces as the training of the model did, and draws `calibration_faces` of those that it learnt from.
/// The choice is deterministic, because the seed is that of the recipe.
pub(super) fn split(
    train: &FaceSet,
    origin: &Origin,
    calibration_faces: usize,
) -> Result<Parts, QuantizeError> {
    let (rest, held_out) = train.clone().hold_out(origin.holdout, origin.seed);
    if held_out.is_empty() {
        return Err(QuantizeError::NoHoldout(origin.holdout));
    }
    let mut calibration = rest.faces;
    calibration.shuffle(&mut StdRng::seed_from_u64(origin.seed));
    calibration.truncate(calibration_faces);
    Ok(Parts {
        calibration,
        held_out: test_evaluation::labelled(held_out),
    })
}
