//! What a model made of each image, by name.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::{Confusion, Outcome, Score, Tally};
use crate::{dataset::Usage, emotion::Emotion};

/// How many mistakes are shown.
const MISTAKES: usize = 24;

/// One image of a data set and what a model made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The image's opaque id, the same for the same image in every evaluation.
    pub image: String,
    /// Its name within the data set.
    pub name: String,
    /// What FER2013 used it for.
    pub usage: Usage,
    /// The label.
    pub truth: Emotion,
    /// The probability of each class in class order, adding up to 1.
    pub probabilities: [f32; Emotion::COUNT],
}

impl Prediction {
    /// The same without the names.
    pub fn outcome(&self) -> Outcome {
        let Self { truth, usage, probabilities, .. } = *self;
        Outcome { truth, usage, probabilities }
    }
}

/// A wrong prediction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Mistake {
    /// The image's opaque id.
    pub image: String,
    /// Its name within the data set.
    pub name: String,
    /// What it is.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub label: Emotion,
    /// What the model takes it for.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub prediction: Emotion,
    /// The probability that the model gives to that, 0 to 1.
    pub confidence: f32,
}

/// The 24 most confident mistakes, the surest first; of equals those whose names come first.
pub fn mistakes(predictions: &[Prediction]) -> Vec<Mistake> {
    let mut wrong: Vec<(Outcome, &Prediction)> = predictions
        .iter()
        .map(|prediction| (prediction.outcome(), prediction))
        .filter(|(outcome, _)| outcome.prediction() != outcome.truth)
        .collect();
    wrong.sort_by(|(a, p), (b, q)| {
        falling(a.confidence(), b.confidence())
            .then_with(|| (&p.name, &p.image).cmp(&(&q.name, &q.image)))
    });
    let mistake = |(outcome, prediction): (Outcome, &Prediction)| Mistake {
        image: prediction.image.clone(),
        name: prediction.name.clone(),
        label: outcome.truth,
        prediction: outcome.prediction(),
        confidence: outcome.confidence(),
    };
    wrong.into_iter().take(MISTAKES).map(mistake).collect()
}

/// The greater one first.
pub(super) fn falling(a: f32, b: f32) -> Ordering {
    b.total_cmp(&a)
}

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
    WithoutDuplicates { score: Score::of(&confusion), removed }
}

impl<'a> FromIterator<&'a Prediction> for Tally {
    fn from_iter<I: IntoIterator<Item = &'a Prediction>>(predictions: I) -> Self {
        let mut tally = Self::default();
        predictions.into_iter().for_each(|prediction| tally.add(&prediction.outcome()));
        tally
    }
}
