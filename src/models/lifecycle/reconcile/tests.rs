use super::*;

/// Versions in memory. Those in `broken` cannot be loaded.
#[derive(Default)]
struct Fake {
    live: BTreeSet<ModelVersion>,
    up_to_date: BTreeSet<ModelVersion>,
    broken: BTreeSet<ModelVersion>,
    loaded: Vec<ModelVersion>,
    /// The number of loads after which the server shuts down.
    stop_after: Option<usize>,
}

fn set(versions: &[u64]) -> BTreeSet<ModelVersion> {
    versions.iter().copied().map(ModelVersion::of).collect()
}

fn numbers(versions: impl IntoIterator<Item = ModelVersion>) -> Vec<u64> {
    versions.into_iter().map(ModelVersion::get).collect()
}

impl Fake {
    fn serving(versions: &[u64]) -> Self {
        Self {
            live: set(versions),
            up_to_date: set(versions),
            ..Self::default()
        }
    }

    fn broken(self, versions: &[u64]) -> Self {
        Self {
            broken: set(versions),
            ..self
        }
    }
}

impl VersionOps for Fake {
    fn is_up_to_date(&mut self, version: ModelVersion) -> bool {
        self.up_to_date.contains(&version)
    }

    fn load(&mut self, version: ModelVersion) -> Result<(), InferenceError> {
        self.loaded.push(version);
        self.up_to_date.insert(version);
        if self.broken.contains(&version) {
            return Err(InferenceError::Model("broken".to_owned()));
        }
        self.live.insert(version);
        Ok(())
    }

    fn is_live(&self, version: ModelVersion) -> bool {
        self.live.contains(&version)
    }

    fn highest_live(&self) -> Option<ModelVersion> {
        self.live.last().copied()
    }

    fn is_shutting_down(&self) -> bool {
        self.stop_after
            .is_some_and(|loads| self.loaded.len() >= loads)
    }
}

/// Reconciles model `m` and returns the loaded versions and those that continue to serve.
fn run(
    fake: &mut Fake,
    policy: &str,
    pin: Option<u64>,
    on_disk: &[u64],
    reload: bool,
) -> (Vec<u64>, Vec<u64>) {
    let policies = VersionPolicies::new(&[policy.parse().unwrap()], []).unwrap();
    let selection = Selection {
        policies: &policies,
        model: "m",
        candidate: None,
        pin: pin.map(ModelVersion::of),
    };
    let on_disk = set(on_disk)
        .into_iter()
        .map(|version| (version, ()))
        .collect();
    let outcome = reconcile(fake, &selection, &on_disk, reload);
    (numbers(fake.loaded.clone()), numbers(outcome.keep))
}

#[test]
fn new_latest_version_replaces_serving_version() {
    let mut fake = Fake::serving(&[1]);
    assert_eq!(
        run(&mut fake, "latest", None, &[1, 2], false),
        (vec![2], vec![2])
    );
}

#[test]
fn unchanged_versions_are_loaded_only_on_reload() {
    let mut fake = Fake::serving(&[1, 2]);
    assert_eq!(
        run(&mut fake, "all", None, &[1, 2], false),
        (vec![], vec![1, 2])
    );
    assert_eq!(
        run(&mut fake, "all", None, &[1, 2], true),
        (vec![2, 1], vec![1, 2])
    );
}

#[test]
fn broken_latest_version_keeps_lower_version_unreloaded() {
    let mut fake = Fake::serving(&[1]).broken(&[2]);
    assert_eq!(
        run(&mut fake, "latest", None, &[1, 2], true),
        (vec![2], vec![1])
    );
}

#[test]
fn last_live_version_stays_if_all_files_are_invalid() {
    let mut fake = Fake::serving(&[1]).broken(&[2, 3]);
    assert_eq!(
        run(&mut fake, "latest", None, &[2, 3], false),
        (vec![3, 2], vec![1])
    );
}

#[test]
fn policy_without_versions_keeps_none() {
    let mut fake = Fake::serving(&[1]);
    assert_eq!(run(&mut fake, "none", None, &[1], false), (vec![], vec![]));
}

#[test]
fn pinned_version_stays_if_its_files_are_removed() {
    let mut fake = Fake::serving(&[2]);
    assert_eq!(
        run(&mut fake, "latest", Some(2), &[3], false),
        (vec![], vec![2])
    );
}

#[test]
fn unusable_pin_is_ignored() {
    let mut fake = Fake::default().broken(&[2]);
    assert_eq!(
        run(&mut fake, "latest", Some(2), &[2, 3], false),
        (vec![2, 3], vec![3])
    );
}

#[test]
fn shutdown_stops_loading() {
    let mut fake = Fake {
        stop_after: Some(1),
        ..Fake::default()
    };
    assert_eq!(
        run(&mut fake, "all", None, &[1, 2, 3], false).0,
        [3],
        "no version is loaded after the shutdown has begun"
    );
}

#[test]
fn candidate_is_kept_in_addition_to_policy() {
    let policies = VersionPolicies::new(&["latest".parse().unwrap()], []).unwrap();
    let keep = |candidate: Option<u64>, pin: Option<u64>, live: &[u64]| {
        let selection = Selection {
            policies: &policies,
            model: "m",
            candidate: candidate.map(ModelVersion::of),
            pin: pin.map(ModelVersion::of),
        };
        let versions = set(live)
            .into_iter()
            .map(|version| (version, true))
            .collect();
        numbers(selection.keep(&versions, |is_live| *is_live))
    };
    assert_eq!(keep(None, Some(1), &[1, 2]), [1]);
    assert_eq!(keep(Some(2), Some(1), &[1, 2]), [1, 2]);
    assert_eq!(keep(None, None, &[1, 2]), [2]);
}
