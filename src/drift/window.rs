//! The counts of the faces of one window.

use super::{feature::Observation, profile::Profile};

/// Counts per feature and bin, in the order of the profile.
#[derive(Debug, Clone)]
pub(super) struct Window {
    pub(super) images: usize,
    pub(super) counts: Vec<Vec<u64>>,
}

impl Window {
    /// Returns an empty window with the bins of a profile.
    pub(super) fn empty(profile: &Profile) -> Self {
        let counts = profile.features.iter();
        Self {
            images: 0,
            counts: counts
                .map(|feature| vec![0; feature.counts.len()])
                .collect(),
        }
    }

    /// Counts a face. Features that were not measured are skipped.
    pub(super) fn add(&mut self, profile: &Profile, observation: &Observation) {
        self.images += 1;
        for (counts, feature) in self.counts.iter_mut().zip(&profile.features) {
            if let Some(value) = observation.value(feature.feature) {
                counts[feature.bins.index(value)] += 1;
            }
        }
    }
}
