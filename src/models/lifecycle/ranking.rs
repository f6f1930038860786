//! Which model is the default where none is named: the one with the best recorded accuracy.

use std::{cmp::Ordering, collections::BTreeMap};

use crate::models::{
    header,
    manifest::Manifest,
    policy::VersionPolicies,
    registry::Snapshot,
    repository::{Folders, Found, Listing},
    sidecar::Sidecar,
};

/// A model and its accuracy on the whole test set, 0 to 1, where one is recorded.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ranked {
    pub(crate) name: String,
    pub(crate) accuracy: Option<f64>,
}

impl Ranked {
    /// The better accuracy first, then by name.
    fn order(&self, other: &Self) -> Ordering {
        let accuracy = |ranked: &Self| ranked.accuracy.unwrap_or(f64::NEG_INFINITY);
        accuracy(other)
            .total_cmp(&accuracy(self))
            .then_with(|| self.name.cmp(&other.name))
    }
}

/// The models of a folder by what the files of their versions that will serve record, the best first.
pub(crate) fn by_recorded_accuracy(
    listing: &Listing,
    policies: &VersionPolicies,
    pins: &BTreeMap<String, u64>,
) -> Vec<Ranked> {
    let accuracy = |name: &str, folders: &Folders| {
        let wanted = policies.wanted(name, folders, pins.get(name).copied());
        let (_, first) = wanted.first()?;
        recorded_accuracy(first)
    };
    let models = listing.models.iter();
    let mut ranked: Vec<Ranked> = models
        .map(|(name, folders)| Ranked {
            name: name.clone(),
            accuracy: accuracy(name, folders),
        })
        .collect();
    ranked.sort_by(Ranked::order);
    ranked
}

/// Returns the accuracy on the whole test set that a version records, without opening it.
fn recorded_accuracy(found: &Found) -> Option<f64> {
    let file = found.model_file();
    if file.is_file() {
        return header::recorded_accuracy(&file);
    }
    let ensemble = Sidecar::read(&found.folder).ok()?.ensemble?;
    ensemble.accuracy.get(Manifest::TEST).copied()
}

/// The best of the models that serve, unless one that has not been tried yet might be better.
pub(super) fn default_among(snapshot: &Snapshot, untried: &[Ranked]) -> Option<String> {
    let serving = snapshot.models.keys().filter_map(|name| {
        let accuracy = snapshot.serving(name)?.manifest.test_accuracy();
        Some(Ranked {
            name: name.clone(),
            accuracy,
        })
    });
    let best = serving.min_by(Ranked::order)?;
    untried
        .iter()
        .all(|other| best.order(other).is_lt())
        .then_some(best.name)
}
