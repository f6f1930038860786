use std::{fs, path::Path};

use rusqlite::Connection;

use super::*;

const E1: JobId = JobId::of(0xe1);
const E2: JobId = JobId::of(0xe2);
const E3: JobId = JobId::of(0xe3);
const P1: JobId = JobId::of(0xb1);
const P2: JobId = JobId::of(0xb2);

#[test]
fn reopened_file_keeps_records_and_fails_pending_jobs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("deep/state");
    let store = Store::open(&folder).unwrap();
    save(&store, &evaluation(A), 0.5);
    store.insert_evaluation(&evaluation(B)).unwrap();
    store.insert_promotion(&promotion(C), None).unwrap();
    let ended = PromotionRecord {
        status: PromotionStatus::Rejected,
        ..promotion(D)
    };
    store.insert_promotion(&ended, None).unwrap();
    store.set_pin("small", ModelVersion::of(1)).unwrap();
    let stored = store.evaluation(A).unwrap();
    drop(store);

    let store = Store::open(&folder).unwrap();
    assert_eq!(store.evaluation(A).unwrap(), stored);
    assert_eq!(store.predictions(A).unwrap(), predictions());
    let failed = store.evaluation(B).unwrap().unwrap();
    assert_eq!(
        (failed.status, failed.error.as_deref()),
        (EvaluationStatus::Failed, Some(INTERRUPTED))
    );
    assert!(
        failed
            .finished
            .is_some_and(|finished| finished >= failed.created)
    );
    let failed = store.promotion(C).unwrap().unwrap();
    assert_eq!(
        (failed.status, failed.reason.as_deref()),
        (PromotionStatus::Failed, Some(INTERRUPTED))
    );
    assert_eq!(store.promotion(D).unwrap(), Some(ended));
    assert_eq!(store.pin("small").unwrap(), Some(ModelVersion::of(1)));
}

#[test]
fn file_with_old_schema_is_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let file = Connection::open(folder.path().join("mien.sqlite3")).unwrap();
    file.execute_batch(include_str!("../fixtures/schema-2.sql"))
        .unwrap();
    drop(file);

    let store = Store::open(folder.path()).unwrap();
    assert_eq!(ids(&store, &EvaluationFilter::default()), [E2, E1]);
    let names: Vec<String> = store
        .predictions(E1)
        .unwrap()
        .images
        .into_iter()
        .map(|prediction| prediction.name)
        .collect();
    assert_eq!(names, ["test/angry/0.png", "test/sad/1.png"]);
    assert_eq!(store.pin("small").unwrap(), Some(ModelVersion::of(2)));

    let [promoted, rejected] = &store.promotions(Some("small"), 9).unwrap()[..] else {
        panic!()
    };
    assert_eq!((promoted.id, rejected.id), (P2, P1));
    assert_eq!(
        (rejected.min_accuracy, rejected.max_regression),
        (Some(0.7), None)
    );
    assert_eq!(rejected.baseline_version, None);
    assert_eq!(
        (promoted.min_accuracy, promoted.max_regression),
        (None, Some(1.0))
    );
    assert_eq!(promoted.baseline_version, Some(ModelVersion::of(1)));
    assert_eq!(promoted.candidate_evaluation_id, Some(E2));
    assert_eq!(promoted.baseline_evaluation_id, Some(E1));
    assert_eq!(
        (promoted.limit, promoted.sha256.as_deref()),
        (Some(2), Some("bb"))
    );
    assert_eq!(
        (promoted.engine.as_deref(), promoted.precision.as_deref()),
        (Some("onnxruntime"), Some("fp32"))
    );
    let old = store.evaluation(E1).unwrap().unwrap();
    assert_eq!((&*old.engine, &*old.precision), ("onnxruntime", "fp32"));
    assert_eq!(store.groupings(E1).unwrap(), []);
    assert_eq!(promoted.max_group_regression, None);
    let measured = |version, id| format!(r#"{{"version":"{version}","evaluation":"{id}"}}"#);
    let result = format!(
        r#"{{"passed":true,"required":-1.0,"actual":-0.9,"shortfall":null,"candidate":{},"baseline":{}}}"#,
        measured(2, E2),
        measured(1, E1)
    );
    assert_eq!(promoted.result, Some(result));

    // New rows follow the old ones, and deleting an evaluation still deletes its predictions.
    store.insert_evaluation(&evaluation(E3)).unwrap();
    assert_eq!(ids(&store, &EvaluationFilter::default()), [E3, E2, E1]);
    assert!(store.delete_evaluation(E1).unwrap());
    let sql = "SELECT count(*) FROM predictions";
    let left: usize = store
        .connection()
        .query_row(sql, [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0);
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
        open_error(folder.path())
            .contains("newer version of mien (schema 99, this version supports up to 7)")
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
    store.set_pin("small", ModelVersion::of(1)).unwrap();
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
        .run(|store| store.insert_evaluation(&evaluation(A)))
        .await
        .unwrap();
    assert_eq!(ids(&store, &EvaluationFilter::default()), [A]);
}

#[test]
fn removed_file_rejects_writes_until_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    save(&store, &evaluation(A), 0.5);
    let (file, moved) = (
        folder.path().join("mien.sqlite3"),
        folder.path().join("moved"),
    );
    fs::rename(&file, &moved).unwrap();
    let error = store.insert_evaluation(&evaluation(B)).unwrap_err();
    let message = error.to_string();
    assert!(matches!(error, StoreError::Removed { .. }), "{message}");
    assert!(
        message.contains(file.to_str().unwrap()) && message.contains("restart"),
        "{message}"
    );
    assert_eq!(ids(&store, &EvaluationFilter::default()), [A]);

    // Another file is not the open one.
    fs::copy(&moved, &file).unwrap();
    assert!(store.set_pin("small", ModelVersion::of(1)).is_err());
    fs::rename(&moved, &file).unwrap();
    store.insert_evaluation(&evaluation(B)).unwrap();
    assert_eq!(ids(&store, &EvaluationFilter::default()), [B, A]);
}

#[test]
fn errors_of_sqlite_name_file_and_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let file = folder.path().join("mien.sqlite3");
    let other = Connection::open(&file).unwrap();
    other.execute("DROP TABLE pins", []).unwrap();
    for error in [
        store.pins().unwrap_err(),
        store.set_pin("small", ModelVersion::of(1)).unwrap_err(),
    ] {
        let message = error.to_string();
        for part in [file.to_str().unwrap(), "no such table", "--state DIR"] {
            assert!(message.contains(part), "{message}");
        }
    }
    let memory = Store::memory().unwrap();
    memory.connection().execute("DROP TABLE pins", []).unwrap();
    let message = memory.pins().unwrap_err().to_string();
    assert!(message.contains("in `memory`"), "{message}");
}
