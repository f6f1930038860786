mod evaluations;
mod files;
mod profiles;
mod promotions;

use mien_faces::{
    dataset::{Split, Usage},
    expression::Expression,
    grouping::Grouping,
    report::{Prediction, Predictions},
};

use super::*;
use crate::{model_version::ModelVersion, timestamp::Timestamp};

const A: JobId = JobId::of(0xa);
const B: JobId = JobId::of(0xb);
const C: JobId = JobId::of(0xc);
const D: JobId = JobId::of(0xd);
const E: JobId = JobId::of(0xe);

fn evaluation(id: JobId) -> EvaluationRecord {
    EvaluationRecord {
        id,
        status: EvaluationStatus::Queued,
        model: "small".to_owned(),
        version: ModelVersion::of(1),
        sha256: "ab".repeat(32),
        engine: "onnxruntime".to_owned(),
        precision: "fp32".to_owned(),
        dataset: "faces".to_owned(),
        split: Split::Test,
        dataset_sha256: None,
        limit: None,
        is_whole: true,
        total: 2,
        done: 0,
        request_id: Some("mine".to_owned()),
        created: Timestamp::now(),
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
        finished: Timestamp::now(),
        accuracy: Some(accuracy),
        error: None,
        summary: Some("{\"total\":2}".to_owned()),
        report: Some("{\"total\":2,\"confusion\":[]}".to_owned()),
        profile: None,
    }
}

fn predictions() -> Predictions {
    let prediction = |index: usize, truth| Prediction {
        image: format!("{index:032x}"),
        name: format!("test/{truth}/{index}.png"),
        usage: Usage::PublicTest,
        truth,
        probabilities: [0.1, 0.2, 0.3, 0.05, 0.05, f32::MIN_POSITIVE, 0.3],
    };
    let groups = [
        ("light", [Some("indoor"), None]),
        ("age", [Some("1"), Some("2")]),
    ];
    Predictions {
        images: vec![
            prediction(1, Expression::Surprise),
            prediction(0, Expression::Angry),
        ],
        groupings: groups
            .map(|(name, groups)| Grouping::of_names(name, groups).unwrap())
            .to_vec(),
    }
}

/// Stores a successful evaluation.
fn save(store: &Store, record: &EvaluationRecord, accuracy: f64) {
    store.insert_evaluation(record).unwrap();
    store
        .start_evaluation(record.id, Timestamp::now(), Some("cd"))
        .unwrap();
    store
        .finish_evaluation(record.id, &success(accuracy), &predictions())
        .unwrap();
}

fn ids(store: &Store, filter: &EvaluationFilter) -> Vec<JobId> {
    store
        .evaluations(filter, 100)
        .unwrap()
        .into_iter()
        .map(|record| record.id)
        .collect()
}

fn promotion(id: JobId) -> PromotionRecord {
    PromotionRecord {
        id,
        status: PromotionStatus::Queued,
        model: "small".to_owned(),
        version: ModelVersion::of(2),
        previous: Some(ModelVersion::of(1)),
        dataset: "faces".to_owned(),
        split: Split::PrivateTest,
        limit: Some(5),
        min_accuracy: Some(0.7),
        max_regression: None,
        max_group_regression: None,
        baseline_version: None,
        sha256: None,
        engine: None,
        precision: None,
        candidate_evaluation_id: None,
        baseline_evaluation_id: None,
        done: 0,
        total: 5,
        result: None,
        reason: None,
        request_id: None,
        created: Timestamp::now(),
        finished: None,
    }
}
