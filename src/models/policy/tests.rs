use super::*;

fn policies(choices: &[&str], references: &[&str]) -> Result<VersionPolicies, String> {
    let choices: Vec<PolicyChoice> = choices.iter().map(|text| text.parse().unwrap()).collect();
    let references: Vec<ModelName> = references
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
    VersionPolicies::new(&choices, &references)
}

/// Returns which of the versions 1 to 5 are loaded if those in `broken` fail.
fn loaded(policies: &VersionPolicies, model: &str, broken: &[u64]) -> Vec<u64> {
    let mut served = BTreeSet::new();
    for version in (1..=5).rev().map(ModelVersion::of) {
        if policies.selects(model, version, &served, None) && !broken.contains(&version.get()) {
            served.insert(version);
        }
    }
    served.into_iter().map(ModelVersion::get).collect()
}

/// Returns the selected versions of a pinned model in loading order.
fn pinned(policy: &str, references: &[&str], on_disk: &[u64], pin: u64) -> Vec<u64> {
    let versions = on_disk
        .iter()
        .map(|version| (ModelVersion::of(*version), ()))
        .collect();
    let selected = policies(&[policy], references).unwrap().selected(
        "a",
        &versions,
        Some(ModelVersion::of(pin)),
    );
    selected
        .into_iter()
        .map(|(version, ())| version.get())
        .collect()
}

#[test]
fn latest_counts_from_pinned_version_downwards() {
    assert_eq!(pinned("latest", &[], &[1, 2, 3, 4], 2), [2]);
    assert_eq!(pinned("latest:2", &[], &[1, 2, 3, 4], 3), [3, 2]);
    assert_eq!(pinned("latest:2", &["a@4"], &[1, 2, 3, 4], 3), [3, 4, 2]);
    assert_eq!(pinned("all", &[], &[1, 2, 3], 2), [2, 3, 1]);
    assert_eq!(pinned("1,3", &[], &[1, 2, 3], 2), [2, 3, 1]);
    // Without the pinned version a lower one is selected, and a higher one only if there is no lower one.
    assert_eq!(pinned("latest", &[], &[1, 2, 4], 3), [2]);
    assert_eq!(pinned("latest", &[], &[4, 5], 3), [5]);
}

#[test]
fn policy_of_model_overrides_default_policy() {
    let policies = policies(&["all", "a=latest", "b=latest:2", "c=1,3"], &[]).unwrap();
    assert_eq!(loaded(&policies, "a", &[]), [5]);
    assert_eq!(loaded(&policies, "b", &[5, 3]), [2, 4]);
    assert_eq!(loaded(&policies, "c", &[1]), [3]);
    assert_eq!(loaded(&policies, "d", &[2]), [1, 3, 4, 5]);
}

#[test]
fn none_selects_only_referenced_versions() {
    let policies = policies(&["none", "c=latest"], &["a@2", "b"]).unwrap();
    assert_eq!(loaded(&policies, "a", &[]), [2]);
    assert_eq!(loaded(&policies, "b", &[]), [0; 0]);
    assert_eq!(loaded(&policies, "c", &[]), [5]);
}

#[test]
fn default_policy_selects_latest_and_referenced_versions() {
    let policies = policies(&["c=2"], &["a@2", "a@4", "b", "c@3"]).unwrap();
    assert_eq!(loaded(&policies, "a", &[]), [2, 4, 5]);
    assert_eq!(loaded(&policies, "b", &[5]), [4]);
    assert_eq!(loaded(&policies, "c", &[]), [2, 3]);
}

#[test]
fn invalid_policies_are_rejected() {
    for wrong in [
        "", "newest", "latest:0", "latest:x", "0", "1,", "1,a", "=all", "a=", "a=b=c",
    ] {
        assert!(wrong.parse::<PolicyChoice>().is_err(), "{wrong}");
    }
    assert_eq!(policies(&["all", "latest"], &[]).unwrap_err(), "all models");
    assert_eq!(policies(&["a=1", "a=2"], &[]).unwrap_err(), "a");
}
