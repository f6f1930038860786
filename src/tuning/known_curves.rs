//! The curves that this process has read, measured or refined, and the failures of measurements.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use mien_host::sync::lock;

use super::{
    Source,
    cache::{Cache, Key},
    curve::Curve,
    sessions::Point,
};

/// Maximum number of times that live traffic corrects a curve, so that the configuration of a model does not alternate between
/// that of its measured and that of its corrected curve.
const MAX_REFINEMENTS: u32 = 2;

/// The knowledge about one model on this host.
#[derive(Clone)]
pub(super) struct Known {
    /// `None` if no measurement has succeeded.
    pub(super) curve: Option<Arc<Curve>>,
    pub(super) source: Source,
    /// Number of unreliable measurements in a row.
    pub(super) unreliable: u32,
    refinements: u32,
    /// Whether a measurement has failed. The next one would probably fail too.
    failed: bool,
}

impl Known {
    fn new(curve: Option<Arc<Curve>>, source: Source) -> Self {
        Self {
            curve,
            source,
            unreliable: 0,
            refinements: 0,
            failed: false,
        }
    }

    /// Returns whether the curve is missing or provisional, unless a measurement has failed.
    pub(super) fn needs_measurement(&self) -> bool {
        let is_provisional = |curve: &Arc<Curve>| curve.provisional;
        !self.failed && self.curve.as_ref().is_none_or(is_provisional)
    }

    pub(super) fn may_be_refined(&self) -> bool {
        self.refinements < MAX_REFINEMENTS
    }
}

/// Curves in memory and on disk.
pub(super) struct KnownCurves {
    cache: Cache,
    in_memory: Mutex<BTreeMap<Key, Known>>,
}

impl KnownCurves {
    /// Uses a directory, or by default the user's cache directory.
    pub(super) fn new(directory: Option<PathBuf>) -> Self {
        Self {
            cache: Cache::new(directory),
            in_memory: Mutex::default(),
        }
    }

    pub(super) fn is_in_memory(&self, key: &Key) -> bool {
        lock(&self.in_memory).contains_key(key)
    }

    /// Returns the knowledge about a model. The first call for a key reads the stored curve.
    pub(super) fn get(&self, key: &Key) -> Known {
        let mut in_memory = lock(&self.in_memory);
        let read = || Known::new(self.cache.read(key).map(Arc::new), Source::Cached);
        in_memory.entry(key.clone()).or_insert_with(read).clone()
    }

    /// Adds a measured curve and returns whether it replaces the known one. An unreliable measurement does not replace one that
    /// was measured under a lower load.
    pub(super) fn add_measured(&self, key: &Key, curve: Curve) -> bool {
        let previous = self.get(key);
        let unreliable = match &previous.curve {
            Some(_) if curve.provisional => previous.unreliable + 1,
            _ => 0,
        };
        let is_better = |old: &Arc<Curve>| curve.provisional && old.is_more_reliable_than(&curve);
        let keeps_previous = previous.curve.as_ref().is_some_and(is_better);
        let mut known = Known {
            unreliable,
            ..previous
        };
        if !keeps_previous {
            self.cache.write(key, &curve);
            known.curve = Some(Arc::new(curve));
            known.source = Source::Measured;
        }
        lock(&self.in_memory).insert(key.clone(), known);
        !keeps_previous
    }

    /// Replaces the points of the known curve and makes it provisional.
    pub(super) fn add_refined(&self, key: &Key, points: Vec<Point>) -> Option<Arc<Curve>> {
        let known = self.get(key);
        let curve = Arc::new(Curve {
            points,
            provisional: true,
            ..Curve::clone(known.curve.as_ref()?)
        });
        self.cache.write(key, &curve);
        let known = Known {
            curve: Some(Arc::clone(&curve)),
            source: Source::Refined,
            refinements: known.refinements + 1,
            ..known
        };
        lock(&self.in_memory).insert(key.clone(), known);
        Some(curve)
    }

    /// Records that a measurement failed.
    pub(super) fn add_failure(&self, key: &Key) {
        let failed = Known {
            failed: true,
            ..self.get(key)
        };
        lock(&self.in_memory).insert(key.clone(), failed);
    }
}
