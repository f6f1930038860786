//! Faces that no candidate was trained on.

use std::collections::HashSet;

use super::{Candidate, EnsembleError};
use crate::data::FaceSet;

/// Returns the training faces that all candidates held out.
///
/// # Errors
/// Returns an error if there are fewer than `minimum` such faces. The error describes how the candidates' holdouts
/// differ.
pub(super) fn common(
    train: &FaceSet,
    candidates: &[Candidate],
    minimum: usize,
) -> Result<FaceSet, EnsembleError> {
    let mut splits: Vec<(f64, u64)> = candidates.iter().map(split).collect();
    splits.dedup();
    let mut common: Option<FaceSet> = None;
    for (holdout, seed) in splits {
        let (_, held) = train.clone().hold_out(holdout, seed);
        common = Some(match common {
            None => held,
            Some(common) => intersection(common, &held),
        });
    }
    let common = common.unwrap_or_else(|| FaceSet::empty(train.side));
    if common.len() < minimum.max(1) {
        let holdouts = candidates.iter().map(|candidate| {
            let (holdout, seed) = split(candidate);
            format!(
                "{} has holdout = {holdout} and seed = {seed}",
                candidate.version
            )
        });
        let holdouts = holdouts.collect::<Vec<_>>().join(", ");
        return Err(EnsembleError::TooFewFaces {
            faces: common.len(),
            minimum,
            holdouts,
        });
    }
    Ok(common)
}

/// Returns what determines the faces that a candidate held out: share and seed.
fn split(candidate: &Candidate) -> (f64, u64) {
    (candidate.origin.holdout, candidate.origin.seed)
}

/// Returns the faces of `set` that are also in `other`.
fn intersection(set: FaceSet, other: &FaceSet) -> FaceSet {
    let in_other: HashSet<_> = other.faces.iter().collect();
    let (faces, labels) = set
        .faces
        .into_iter()
        .zip(set.labels)
        .filter(|(face, _)| in_other.contains(face))
        .unzip();
    FaceSet {
        faces,
        labels,
        ..FaceSet::empty(set.side)
    }
}
