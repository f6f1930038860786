//! The score on images that a model cannot have memorised.

use serde::{Deserialize, Serialize};

use super::{Confusion, Prediction, Score};

/// The score without the test images that are also in train, which a model has seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WithoutDuplicates {
    /// The score of the other images.
    #[serde(flatten)]
    pub score: Score,
    /// Number of excluded images.
    pub removed: u64,
}

/// Scores the predictions for images whose pixels are not in train.
pub fn without_duplicates(
    predictions: &[Prediction],
    is_in_train: impl Fn(&Prediction) -> bool,
) -> WithoutDuplicates {
    let (mut confusion, mut removed) = (Confusion::default(), 0);
    for prediction in predictions {
        if is_in_train(prediction) {
            removed += 1;
        } else {
            confusion.add(prediction.truth, prediction.outcome().prediction());
        }
    }
    WithoutDuplicates {
        score: Score::of(&confusion),
        removed,
    }
}
