//! The results of the compared windows.

use super::{
    comparison::{Difference, adjust, compare},
    decision::{Change, Decision},
    profile::Profile,
    window::Window,
};
use crate::timestamp::Timestamp;

/// The results of the compared windows.
#[derive(Debug, Clone)]
pub(super) struct Results {
    /// Number of compared windows.
    pub(super) windows: u64,
    /// End of the last window.
    pub(super) compared_at: Option<Timestamp>,
    /// The last window.
    pub(super) last: Window,
    /// The features in the order of the profile.
    pub(super) features: Vec<FeatureResult>,
}

/// The state of a feature after a window.
#[derive(Debug, Clone, Default)]
pub(super) struct FeatureResult {
    /// Difference in the last window; `None` if the window has no value of the feature.
    pub(super) difference: Option<Difference>,
    pub(super) decision: Decision,
    /// The change of the decision by the last window.
    pub(super) change: Option<Change>,
}

impl Results {
    /// Returns the results before the first window.
    pub(super) fn empty(profile: &Profile) -> Self {
        Self {
            windows: 0,
            compared_at: None,
            last: Window::empty(profile),
            features: vec![FeatureResult::default(); profile.features.len()],
        }
    }

    /// Compares the next window with the profile.
    pub(super) fn add(&mut self, profile: &Profile, window: Window) {
        let pairs = profile.features.iter().zip(&window.counts);
        let differences = pairs.map(|(feature, live)| compare(&feature.counts, live));
        let mut differences: Vec<Option<Difference>> = differences.collect();
        adjust(&mut differences);
        for (feature, difference) in self.features.iter_mut().zip(differences) {
            feature.difference = difference;
            feature.change = difference.and_then(|difference| feature.decision.advance(difference));
        }
        self.windows += 1;
        self.compared_at = Some(Timestamp::now());
        self.last = window;
    }
}

#[cfg(test)]
mod tests;
