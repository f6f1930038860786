//! Ensembles of plans.

use super::*;

/// Appends an ensemble to [`PLAN`] and reads the plan.
fn with_ensemble(candidates: &str, path: &str) -> Result<Plan, PlanError> {
    let ensemble = format!("[[ensemble]]\ncandidates = [{candidates}]\npath = \"{path}\"\n");
    read(&format!("{PLAN}\n{ensemble}")).1
}

#[test]
fn ensemble_belongs_to_plan_of_all_candidates() {
    let both = with_ensemble("\"last@1\", \"teacher@1\"", "models/ensemble/1").unwrap();
    assert_eq!(both.ensembles()[0].path, Path::new("models/ensemble/1"));
    assert_eq!(both.only("last").unwrap().ensembles(), both.ensembles());
    assert_eq!(both.only("teacher").unwrap().ensembles(), []);
}

#[test]
fn ensembles_without_candidates_or_own_folder_are_rejected() {
    let last = "\"last@1\"";
    for (candidates, path, words) in [
        ("", "models/a/1", "no candidates"),
        ("\"last@2\"", "models/a/1", "last@2"),
        ("\"last\"", "models/a/1", "NAME@VERSION"),
        (last, "../a/1", "../a/1"),
        (last, "", "models/NAME/1"),
        (last, "models/teacher/1", "models/teacher/1"),
        (last, "models/teacher", "of its own"),
    ] {
        let error = with_ensemble(candidates, path).unwrap_err();
        let error = format!("{:#}", anyhow::Error::from(error));
        assert!(error.contains(words), "{error}");
    }
}
