//! The score on faces that a model cannot have learned by heart.

use serde::{Deserialize, Serialize};

use super::{Confusion, Prediction, Score};

/// The score without the test faces that also lie in train: a model has seen those.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WithoutDuplicates {
    /// Over the other images.
    #[serde(flatten)]
    pub score: Score,
    /// How many images are left out.
    pub removed: u64,
}

/// Scores the predictions but those of images whose pixels lie in train too.
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
