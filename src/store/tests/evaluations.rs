use mien_faces::dataset::Split;

use super::*;

#[test]
fn stored_evaluation_reads_back_unchanged() {
    let store = Store::memory().unwrap();
    let record = evaluation(A);
    let started = "2026-01-01T00:00:00.000Z".parse().unwrap();
    store.insert_evaluation(&record).unwrap();
    assert_eq!(store.evaluation(A).unwrap().as_ref(), Some(&record));
    assert_eq!(store.evaluation(B).unwrap(), None);

    store.start_evaluation(A, started, Some("cd")).unwrap();
    let end = success(0.1 + 0.2);
    store.finish_evaluation(A, &end, &predictions()).unwrap();
    let stored = EvaluationRecord {
        status: end.status,
        dataset_sha256: Some("cd".to_owned()),
        done: 2,
        started: Some(started),
        finished: Some(end.finished),
        accuracy: end.accuracy,
        summary: end.summary,
        report: end.report,
        ..record
    };
    assert_eq!(store.evaluation(A).unwrap().as_ref(), Some(&stored));
    let listed = EvaluationRecord {
        report: None,
        ..stored
    };
    assert_eq!(
        store.evaluations(&EvaluationFilter::default(), 9).unwrap(),
        [listed]
    );
    assert_eq!(store.predictions(A).unwrap(), predictions());
    assert_eq!(
        store.predictions_from(A, 1, 9).unwrap(),
        predictions().images[1..]
    );
    assert_eq!(
        store.predictions_from(A, 0, 1).unwrap(),
        predictions().images[..1]
    );
    assert_eq!(store.groupings(A).unwrap(), predictions().groupings);
    assert_eq!(store.predictions(B).unwrap(), Predictions::default());
    assert!(
        store
            .finish_evaluation(B, &success(1.0), &Predictions::default())
            .is_err()
    );
}

#[test]
fn counts_above_i64_are_accepted() {
    let store = Store::memory().unwrap();
    store
        .insert_evaluation(&EvaluationRecord {
            limit: Some(usize::MAX),
            ..evaluation(A)
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
        store.predictions_from(A, usize::MAX, usize::MAX).unwrap(),
        []
    );
    assert_eq!(store.promotions(None, usize::MAX).unwrap(), []);
}

#[test]
fn lists_are_newest_first_and_filtered() {
    let store = Store::memory().unwrap();
    let other = EvaluationRecord {
        model: "tiny".to_owned(),
        ..evaluation(B)
    };
    let part = EvaluationRecord {
        split: Split::PublicTest,
        version: ModelVersion::of(2),
        dataset: "more".to_owned(),
        ..evaluation(C)
    };
    save(&store, &evaluation(A), 0.5);
    store.insert_evaluation(&other).unwrap();
    store.insert_evaluation(&part).unwrap();
    let all = EvaluationFilter::default;
    assert_eq!(ids(&store, &all()), [C, B, A]);
    assert_eq!(store.evaluations(&all(), 2).unwrap().len(), 2);
    let text = |text: &str| Some(text.to_owned());
    for (filter, expected) in [
        (
            EvaluationFilter {
                model: text("tiny"),
                ..all()
            },
            &[B][..],
        ),
        (
            EvaluationFilter {
                version: Some(ModelVersion::of(1)),
                ..all()
            },
            &[B, A],
        ),
        (
            EvaluationFilter {
                dataset: text("more"),
                ..all()
            },
            &[C],
        ),
        (
            EvaluationFilter {
                split: Some(Split::Test),
                ..all()
            },
            &[B, A],
        ),
        (
            EvaluationFilter {
                status: Some(EvaluationStatus::Queued),
                ..all()
            },
            &[C, B],
        ),
        (
            EvaluationFilter {
                model: text("tiny"),
                version: Some(ModelVersion::of(2)),
                ..all()
            },
            &[],
        ),
    ] {
        assert_eq!(ids(&store, &filter), expected, "{filter:?}");
    }
}

#[test]
fn ended_evaluations_are_removed_with_predictions() {
    let store = Store::memory().unwrap();
    for id in [A, B, C] {
        save(&store, &evaluation(id), 0.5);
    }
    store.insert_evaluation(&evaluation(D)).unwrap();
    assert!(!store.delete_evaluation(D).unwrap());
    assert!(!store.delete_evaluation(E).unwrap());
    assert!(store.delete_evaluation(B).unwrap());
    assert_eq!(ids(&store, &EvaluationFilter::default()), [D, C, A]);
    assert_eq!(store.prune_evaluations(2).unwrap(), 0);
    assert_eq!(store.prune_evaluations(1).unwrap(), 1);
    assert_eq!(ids(&store, &EvaluationFilter::default()), [D, C]);
    let Predictions { images, groupings } = predictions();
    for (table, expected) in [
        ("predictions", images.len()),
        ("groupings", groupings.len()),
    ] {
        let sql = format!("SELECT count(*) FROM {table}");
        let left: usize = store
            .connection()
            .query_row(&sql, [], |row| row.get(0))
            .unwrap();
        assert_eq!(left, expected, "{table}");
    }
}

#[test]
fn accuracies_cover_newest_whole_splits() {
    let store = Store::memory().unwrap();
    save(&store, &evaluation(A), 0.5);
    save(&store, &evaluation(B), 0.6);
    save(
        &store,
        &EvaluationRecord {
            limit: Some(1),
            is_whole: false,
            ..evaluation(C)
        },
        0.7,
    );
    save(
        &store,
        &EvaluationRecord {
            split: Split::Train,
            ..evaluation(D)
        },
        0.8,
    );
    store.insert_evaluation(&evaluation(E)).unwrap();
    let found = store.accuracies().unwrap();
    let found: Vec<_> = found.into_iter().map(|a| (a.split, a.accuracy)).collect();
    assert_eq!(found, [(Split::Test, 0.6), (Split::Train, 0.8)]);
}
