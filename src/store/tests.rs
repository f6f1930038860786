use std::{fs, path::Path};

use mien_faces::{
    dataset::{Split, Usage},
    expression::Expression,
    report::Prediction,
};
use rusqlite::Connection;

use super::*;

fn evaluation(id: &str) -> EvaluationRecord {
    EvaluationRecord {
        id: id.to_owned(),
        status: EvaluationStatus::Queued,
        model: "small".to_owned(),
        version: "1".to_owned(),
        sha256: "ab".repeat(32),
        dataset: "faces".to_owned(),
        split: Split::Test,
        dataset_sha256: None,
        limit: None,
        is_whole: true,
        total: 2,
        done: 0,
        request_id: Some("mine".to_owned()),
        created: now(),
        started: None,
        finished: None,
        accuracy: None,
        error: None,
        summary: None,
        report: None,
    }
}

fn success(accuracy: f64) -> EvaluationEnd {
    EvaluationEnd {
        status: EvaluationStatus::Succeeded,
        done: 2,
        finished: now(),
        accuracy: Some(accuracy),
        error: None,
        summary: Some("{\"total\":2}".to_owned()),
        report: Some("{\"total\":2,\"confusion\":[]}".to_owned()),
    }
}

fn predictions() -> Vec<Prediction> {
    let prediction = |index: usize, truth| Prediction {
        image: format!("{index:032x}"),
        name: format!("test/{truth}/{index}.png"),
        usage: Usage::PublicTest,
        truth,
        probabilities: [0.1, 0.2, 0.3, 0.05, 0.05, f32::MIN_POSITIVE, 0.3],
    };
    vec![
        prediction(1, Expression::Surprise),
        prediction(0, Expression::Angry),
    ]
}

/// Stores a successful evaluation.
fn save(store: &Store, record: &EvaluationRecord, accuracy: f64) {
    store.insert_evaluation(record).unwrap();
    store
        .start_evaluation(&record.id, &now(), Some("cd"))
        .unwrap();
    store
        .finish_evaluation(&record.id, &success(accuracy), &predictions())
        .unwrap();
}

fn ids(store: &Store, filter: &EvaluationFilter) -> Vec<String> {
    store
        .evaluations(filter, 100)
        .unwrap()
        .into_iter()
        .map(|record| record.id)
        .collect()
}

fn promotion(id: &str) -> PromotionRecord {
    PromotionRecord {
        id: id.to_owned(),
        status: PromotionStatus::Queued,
        model: "small".to_owned(),
        version: "2".to_owned(),
        previous: Some("1".to_owned()),
        dataset: "faces".to_owned(),
        split: Split::PrivateTest,
        limit: Some(5),
        min_accuracy: Some(0.7),
        max_regression: None,
        baseline_version: None,
        sha256: None,
        candidate_evaluation_id: None,
        baseline_evaluation_id: None,
        done: 0,
        total: 5,
        result: None,
        reason: None,
        request_id: None,
        created: now(),
        finished: None,
    }
}

#[test]
fn stored_evaluation_reads_back_unchanged() {
    let store = Store::memory().unwrap();
    let record = evaluation("a");
    store.insert_evaluation(&record).unwrap();
    assert_eq!(store.evaluation("a").unwrap().as_ref(), Some(&record));
    assert_eq!(store.evaluation("b").unwrap(), None);

    store
        .start_evaluation("a", "2026-01-01T00:00:00.000Z", Some("cd"))
        .unwrap();
    let end = success(0.1 + 0.2);
    store.finish_evaluation("a", &end, &predictions()).unwrap();
    let stored = EvaluationRecord {
        status: end.status,
        dataset_sha256: Some("cd".to_owned()),
        done: 2,
        started: Some("2026-01-01T00:00:00.000Z".to_owned()),
        finished: Some(end.finished),
        accuracy: end.accuracy,
        summary: end.summary,
        report: end.report,
        ..record
    };
    assert_eq!(store.evaluation("a").unwrap().as_ref(), Some(&stored));
    let listed = EvaluationRecord {
        report: None,
        ..stored
    };
    assert_eq!(
        store.evaluations(&EvaluationFilter::default(), 9).unwrap(),
        [listed]
    );
    assert_eq!(store.predictions("a").unwrap(), predictions());
    assert_eq!(
        store.predictions_from("a", 1, 9).unwrap(),
        predictions()[1..]
    );
    assert_eq!(
        store.predictions_from("a", 0, 1).unwrap(),
        predictions()[..1]
    );
    assert_eq!(store.predictions("b").unwrap(), []);
    assert!(store.finish_evaluation("b", &success(1.0), &[]).is_err());
}

#[test]
fn counts_above_i64_are_accepted() {
    let store = Store::memory().unwrap();
    store
        .insert_evaluation(&EvaluationRecord {
            limit: Some(usize::MAX),
            ..evaluation("a")
        })
        .unwrap();
    assert_eq!(
        store
            .evaluations(&EvaluationFilter::default(), usize::MAX)
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        store.predictions_from("a", usize::MAX, usize::MAX).unwrap(),
        []
    );
    assert_eq!(store.promotions(None, usize::MAX).unwrap(), []);
}

#[test]
fn lists_are_newest_first_and_filtered() {
    let store = Store::memory().unwrap();
    let other = EvaluationRecord {
        model: "tiny".to_owned(),
        ..evaluation("b")
    };
    let part = EvaluationRecord {
        split: Split::PublicTest,
        version: "2".to_owned(),
        dataset: "more".to_owned(),
        ..evaluation("c")
    };
    save(&store, &evaluation("a"), 0.5);
    store.insert_evaluation(&other).unwrap();
    store.insert_evaluation(&part).unwrap();
    let all = EvaluationFilter::default;
    assert_eq!(ids(&store, &all()), ["c", "b", "a"]);
    assert_eq!(store.evaluations(&all(), 2).unwrap().len(), 2);
    let text = |text: &str| Some(text.to_owned());
    for (filter, expected) in [
        (
            EvaluationFilter {
                model: text("tiny"),
                ..all()
            },
            &["b"][..],
        ),
        (
            EvaluationFilter {
                version: text("1"),
                ..all()
            },
            &["b", "a"],
        ),
        (
            EvaluationFilter {
                dataset: text("more"),
                ..all()
            },
            &["c"],
        ),
        (
            EvaluationFilter {
                split: Some(Split::Test),
                ..all()
            },
            &["b", "a"],
        ),
        (
            EvaluationFilter {
                status: Some(EvaluationStatus::Queued),
                ..all()
            },
            &["c", "b"],
        ),
        (
            EvaluationFilter {
                model: text("tiny"),
                version: text("2"),
                ..all()
            },
            &[],
        ),
    ] {
        assert_eq!(ids(&store, &filter), expected, "{filter:?}");
    }
}

#[test]
fn what_has_ended_is_removed_with_its_predictions() {
    let store = Store::memory().unwrap();
    for id in ["a", "b", "c"] {
        save(&store, &evaluation(id), 0.5);
    }
    store.insert_evaluation(&evaluation("d")).unwrap();
    assert!(!store.delete_evaluation("d").unwrap());
    assert!(!store.delete_evaluation("e").unwrap());
    assert!(store.delete_evaluation("b").unwrap());
    assert_eq!(ids(&store, &EvaluationFilter::default()), ["d", "c", "a"]);
    assert_eq!(store.prune_evaluations(2).unwrap(), 0);
    assert_eq!(store.prune_evaluations(1).unwrap(), 1);
    assert_eq!(ids(&store, &EvaluationFilter::default()), ["d", "c"]);
    let sql = "SELECT count(*) FROM predictions";
    let left: usize = store
        .connection()
        .query_row(sql, [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, predictions().len());
}

#[test]
fn accuracies_are_of_the_newest_whole_splits() {
    let store = Store::memory().unwrap();
    save(&store, &evaluation("a"), 0.5);
    save(&store, &evaluation("b"), 0.6);
    save(
        &store,
        &EvaluationRecord {
            limit: Some(1),
            is_whole: false,
            ..evaluation("c")
        },
        0.7,
    );
    save(
        &store,
        &EvaluationRecord {
            split: Split::Train,
            ..evaluation("d")
        },
        0.8,
    );
    store.insert_evaluation(&evaluation("e")).unwrap();
    let found = store.accuracies().unwrap();
    let found: Vec<_> = found.into_iter().map(|a| (a.split, a.accuracy)).collect();
    assert_eq!(found, [(Split::Test, 0.6), (Split::Train, 0.8)]);
}

#[test]
fn a_file_is_as_it_was_and_what_ran_has_failed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("deep/state");
    let store = Store::open(&folder).unwrap();
    save(&store, &evaluation("a"), 0.5);
    store.insert_evaluation(&evaluation("b")).unwrap();
    store.insert_promotion(&promotion("p"), None).unwrap();
    let ended = PromotionRecord {
        status: PromotionStatus::Rejected,
        ..promotion("q")
    };
    store.insert_promotion(&ended, None).unwrap();
    store.set_pin("small", "1").unwrap();
    let stored = store.evaluation("a").unwrap();
    drop(store);

    let store = Store::open(&folder).unwrap();
    assert_eq!(store.evaluation("a").unwrap(), stored);
    assert_eq!(store.predictions("a").unwrap(), predictions());
    let failed = store.evaluation("b").unwrap().unwrap();
    assert_eq!(
        (failed.status, failed.error.as_deref()),
        (EvaluationStatus::Failed, Some(INTERRUPTED))
    );
    assert!(
        failed
            .finished
            .is_some_and(|finished| finished >= failed.created)
    );
    let failed = store.promotion("p").unwrap().unwrap();
    assert_eq!(
        (failed.status, failed.reason.as_deref()),
        (PromotionStatus::Failed, Some(INTERRUPTED))
    );
    assert_eq!(store.promotion("q").unwrap(), Some(ended));
    assert_eq!(store.pin("small").unwrap().as_deref(), Some("1"));
}

#[test]
fn file_with_old_schema_is_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let file = Connection::open(folder.path().join("mien.sqlite3")).unwrap();
    file.execute_batch(include_str!("fixtures/schema-2.sql"))
        .unwrap();
    drop(file);

    let store = Store::open(folder.path()).unwrap();
    assert_eq!(ids(&store, &EvaluationFilter::default()), ["e2", "e1"]);
    let names: Vec<String> = store
        .predictions("e1")
        .unwrap()
        .into_iter()
        .map(|prediction| prediction.name)
        .collect();
    assert_eq!(names, ["test/angry/0.png", "test/sad/1.png"]);
    assert_eq!(store.pin("small").unwrap().as_deref(), Some("2"));

    let [promoted, rejected] = &store.promotions(Some("small"), 9).unwrap()[..] else {
        panic!()
    };
    assert_eq!((promoted.id.as_str(), rejected.id.as_str()), ("p2", "p1"));
    assert_eq!(
        (rejected.min_accuracy, rejected.max_regression),
        (Some(0.7), None)
    );
    assert_eq!(rejected.baseline_version, None);
    assert_eq!(
        (promoted.min_accuracy, promoted.max_regression),
        (None, Some(1.0))
    );
    assert_eq!(promoted.baseline_version.as_deref(), Some("1"));
    assert_eq!(promoted.candidate_evaluation_id.as_deref(), Some("e2"));
    assert_eq!(promoted.baseline_evaluation_id.as_deref(), Some("e1"));
    assert_eq!(
        (promoted.limit, promoted.sha256.as_deref()),
        (Some(2), Some("bb"))
    );
    let result = r#"{"passed":true,"required":-1.0,"actual":-0.9,"shortfall":null,"candidate":{"version":"2","evaluation":"e2"},"baseline":{"version":"1","evaluation":"e1"}}"#;
    assert_eq!(promoted.result.as_deref(), Some(result));

    // New rows follow the old ones, and deleting an evaluation still deletes its predictions.
    store.insert_evaluation(&evaluation("e3")).unwrap();
    assert_eq!(
        ids(&store, &EvaluationFilter::default()),
        ["e3", "e2", "e1"]
    );
    assert!(store.delete_evaluation("e1").unwrap());
    let sql = "SELECT count(*) FROM predictions";
    let left: usize = store
        .connection()
        .query_row(sql, [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0);
}

#[test]
fn promotion_and_pin_are_stored_together() {
    let store = Store::memory().unwrap();
    let pin = |version: &str| Pin {
        model: "small".to_owned(),
        version: version.to_owned(),
    };
    store
        .insert_promotion(&promotion("a"), Some(&pin("1")))
        .unwrap();
    assert_eq!(store.pins().unwrap(), [pin("1")]);
    let promoted = PromotionRecord {
        status: PromotionStatus::Promoted,
        baseline_version: Some("1".to_owned()),
        sha256: Some("ab".repeat(32)),
        candidate_evaluation_id: Some("e".to_owned()),
        done: 5,
        result: Some("{}".to_owned()),
        reason: Some("0.75 is 0.70 at least".to_owned()),
        finished: Some(now()),
        ..promotion("a")
    };
    store.update_promotion(&promoted, Some(&pin("2"))).unwrap();
    assert_eq!(store.promotion("a").unwrap(), Some(promoted.clone()));
    assert_eq!(store.pin("small").unwrap().as_deref(), Some("2"));
    // The second insertion of the identifier fails, and so does its pin.
    assert!(
        store
            .insert_promotion(&promotion("a"), Some(&pin("9")))
            .is_err()
    );
    assert_eq!(store.pin("small").unwrap().as_deref(), Some("2"));

    let other = PromotionRecord {
        model: "tiny".to_owned(),
        ..promotion("b")
    };
    store.insert_promotion(&other, None).unwrap();
    assert_eq!(
        store.promotions(None, 9).unwrap(),
        [other.clone(), promoted.clone()]
    );
    assert_eq!(store.promotions(None, 1).unwrap().len(), 1);
    assert_eq!(store.promotions(Some("small"), 9).unwrap(), [promoted]);
    let newer = PromotionRecord {
        status: PromotionStatus::Failed,
        ..promotion("c")
    };
    store.insert_promotion(&newer, None).unwrap();
    assert_eq!(store.prune_promotions(1).unwrap(), 1);
    // A pending promotion is not removed.
    assert_eq!(store.promotions(None, 9).unwrap(), [newer, other]);
    assert!(store.clear_pin("small").unwrap() && !store.clear_pin("small").unwrap());
    assert_eq!(
        (store.pin("small").unwrap(), store.pins().unwrap()),
        (None, vec![])
    );
}

#[test]
fn second_server_is_rejected_until_first_ends() {
    let folder = tempfile::tempdir().unwrap();
    let first = Store::open(folder.path()).unwrap();
    let error = Store::open(folder.path()).err().unwrap();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    assert!(error.to_string().contains("--state DIR"), "{error}");
    drop(first);
    Store::open(folder.path()).unwrap();
}

/// Opens a directory and returns the error.
fn open_error(folder: &Path) -> String {
    Store::open(folder).err().unwrap().to_string()
}

#[test]
fn unusable_state_is_rejected_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    let file = folder.path().join("mien.sqlite3");
    let connection = Connection::open(&file).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    assert!(
        open_error(folder.path()).contains("newer mien (schema 99, this version supports up to 3)")
    );

    fs::write(
        &file,
        "nonsense that is long enough for a database header ".repeat(100),
    )
    .unwrap();
    let before = fs::read(&file).unwrap();
    assert!(open_error(folder.path()).contains("move it away"));
    assert_eq!(fs::read(&file).unwrap(), before);

    // A file instead of the directory.
    assert!(
        open_error(&file).contains("--state memory"),
        "{}",
        open_error(&file)
    );
}

#[test]
#[cfg(unix)]
fn state_is_readable_by_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("state");
    let store = Store::open(&folder).unwrap();
    store.set_pin("small", "1").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(
        files.iter().any(|file| file.ends_with("mien.sqlite3-wal")),
        "{files:?}"
    );
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn work_runs_on_blocking_thread_and_survives_panic() {
    let store = Store::memory().unwrap();
    let here = std::thread::current().id();
    let there = store
        .run(|_| Ok(std::thread::current().id()))
        .await
        .unwrap();
    assert_ne!(here, there);
    let crashed = store
        .run(|store| -> Result<(), StoreError> {
            let _connection = store.connection();
            panic!("boom");
        })
        .await;
    assert!(matches!(crashed, Err(StoreError::Crashed)));
    store
        .run(|store| store.insert_evaluation(&evaluation("a")))
        .await
        .unwrap();
    assert_eq!(ids(&store, &EvaluationFilter::default()), ["a"]);
}
