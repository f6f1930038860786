use super::*;

/// Stores a successful evaluation with a profile.
fn save_profile(store: &Store, record: &EvaluationRecord, profile: &str) {
    store.insert_evaluation(record).unwrap();
    let end = EvaluationEnd {
        profile: Some(profile.to_owned()),
        ..success(0.5)
    };
    store
        .finish_evaluation(record.id, &end, &Predictions::default())
        .unwrap();
}

fn newest(store: &Store, sha256: &str) -> Option<(JobId, String)> {
    let version = ModelVersion::of(1);
    let stored = store.newest_profile("small", version, sha256).unwrap();
    stored.map(|stored| (stored.evaluation, stored.profile))
}

#[test]
fn newest_profile_of_same_file_is_returned() {
    let store = Store::memory().unwrap();
    let file = evaluation(A).sha256;
    assert_eq!(newest(&store, &file), None);
    save_profile(&store, &evaluation(A), "first");
    save_profile(&store, &evaluation(B), "second");
    let other_file = EvaluationRecord {
        sha256: "other".to_owned(),
        ..evaluation(C)
    };
    save_profile(&store, &other_file, "of other file");
    save(&store, &evaluation(D), 0.5);
    assert_eq!(newest(&store, &file), Some((B, "second".to_owned())));
    assert_eq!(newest(&store, "unknown"), None);
}

#[test]
fn deleted_evaluation_loses_its_profile() {
    let store = Store::memory().unwrap();
    let file = evaluation(A).sha256;
    save_profile(&store, &evaluation(A), "first");
    save_profile(&store, &evaluation(B), "second");
    assert!(store.delete_evaluation(B).unwrap());
    assert_eq!(newest(&store, &file), Some((A, "first".to_owned())));
}
