//! Ranks models by recorded accuracy. The best one is the default model if no flag sets it.

use std::{cmp::Ordering, collections::BTreeMap};

use crate::models::{
    ModelVersion,
    manifest::Manifest,
    onnx_metadata,
    policy::VersionPolicies,
    repository::{Listing, MODEL_FILE, VersionDir, VersionDirs},
    snapshot::Snapshot,
    version_config::VersionConfig,
    version_files::VersionFiles,
};

/// A model and its recorded accuracy on the whole test set, 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ranked {
    pub(crate) name: String,
    pub(crate) accuracy: Option<f64>,
}

impl Ranked {
    /// Compares by accuracy in descending order, then by name. Models without accuracy are last.
    fn order(&self, other: &Self) -> Ordering {
        let accuracy = |ranked: &Self| ranked.accuracy.unwrap_or(f64::NEG_INFINITY);
        accuracy(other)
            .total_cmp(&accuracy(self))
            .then_with(|| self.name.cmp(&other.name))
    }
}

/// Returns the models of a repository, the best first. The accuracy is that of the version that will serve, read from the files
/// that `files` returns.
pub(crate) fn rank_by_accuracy(
    listing: &Listing,
    policies: &VersionPolicies,
    pins: &BTreeMap<String, ModelVersion>,
    files: impl Fn(&VersionDir) -> Option<VersionFiles>,
) -> Vec<Ranked> {
    let accuracy = |name: &str, dirs: &VersionDirs| {
        let selected = policies.selected(name, dirs, pins.get(name).copied());
        let (_, first) = selected.first()?;
        recorded_accuracy(&files(first)?)
    };
    let models = listing.models.iter();
    let mut ranked: Vec<Ranked> = models
        .map(|(name, dirs)| Ranked {
            name: name.clone(),
            accuracy: accuracy(name, dirs),
        })
        .collect();
    ranked.sort_by(Ranked::order);
    ranked
}

/// Returns the accuracy on the whole test set that a version records, without opening a session.
fn recorded_accuracy(version: &VersionFiles) -> Option<f64> {
    let file = version.file(MODEL_FILE);
    if file.is_file() {
        return onnx_metadata::recorded_accuracy(&file);
    }
    let ensemble = VersionConfig::read(&version.path).ok()?.ensemble?;
    ensemble.accuracy.get(Manifest::TEST).copied()
}

/// Returns the best model that serves, unless a pending one may be better.
pub(super) fn select_default(snapshot: &Snapshot, pending: &[Ranked]) -> Option<String> {
    let serving = snapshot.models.keys().filter_map(|name| {
        let accuracy = snapshot.serving(name)?.manifest.test_accuracy();
        Some(Ranked {
            name: name.clone(),
            accuracy,
        })
    });
    let best = serving.min_by(Ranked::order)?;
    pending
        .iter()
        .all(|other| best.order(other).is_lt())
        .then_some(best.name)
}
