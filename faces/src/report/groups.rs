//! Accuracy per group of images.

use serde::{Deserialize, Serialize};

use super::{Prediction, Score, independent_difference};
use crate::grouping::Grouping;

/// Minimum number of images of a group that takes part in gaps and losses. The intervals of smaller groups are wider than 33 percentage
/// points at an accuracy of one half.
pub const MIN_GROUP_IMAGES: u64 = 30;

/// The accuracy per group of a grouping.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupingScores {
    /// Name of the grouping: `brightness`, `contrast`, `blur`, or a column of `groups.csv`.
    #[cfg_attr(feature = "openapi", schema(example = "brightness"))]
    pub grouping: String,
    /// The scores of its groups.
    pub groups: Vec<GroupScore>,
    /// Number of images without a group of this grouping.
    pub ungrouped: u64,
    /// The difference between the highest and the lowest accuracy of groups of at least 30 images; null with fewer than two such groups.
    pub largest_gap: Option<GroupGap>,
}

/// The accuracy on the images of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupScore {
    /// Name of the group.
    #[cfg_attr(feature = "openapi", schema(example = "low"))]
    pub group: String,
    /// The accuracy on its images.
    #[serde(flatten)]
    pub score: Score,
    /// Minimum and maximum of the measured value over the images of a built-in group: the mean gray level for `brightness`, the standard
    /// deviation of the gray levels for `contrast`, and the variance of the Laplacian for `blur`, which is low for blurred faces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[f32; 2]>,
}

/// The difference between the groups with the highest and the lowest accuracy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupGap {
    /// The group with the highest accuracy.
    pub best: String,
    /// The group with the lowest accuracy.
    pub worst: String,
    /// Accuracy of `best` minus that of `worst`, 0 to 1. The largest of many differences is biased upwards.
    pub difference: f64,
    /// The 95 % interval of the difference of two accuracies on different images (Newcombe 1998, method 10), which does not take into
    /// account that the two groups were selected by their accuracies.
    pub interval: [f64; 2],
}

/// Returns the scores of the groups, given the predictions for the images of the groupings.
pub fn group_scores(groupings: &[Grouping], predictions: &[Prediction]) -> Vec<GroupingScores> {
    let outcomes = predictions.iter().map(Prediction::outcome);
    let is_correct: Vec<bool> = outcomes.map(|outcome| outcome.is_correct()).collect();
    groupings
        .iter()
        .map(|grouping| GroupingScores::of(grouping, &is_correct))
        .collect()
}

impl GroupingScores {
    fn of(grouping: &Grouping, is_correct: &[bool]) -> Self {
        let mut counts = vec![(0, 0); grouping.groups().len()];
        let mut ungrouped = 0;
        for (image, &is_correct) in is_correct.iter().enumerate() {
            match grouping
                .group_of(image)
                .and_then(|group| counts.get_mut(group))
            {
                Some((correct, total)) => {
                    *correct += u64::from(is_correct);
                    *total += 1;
                }
                None => ungrouped += 1,
            }
        }
        let groups = grouping.groups().iter().zip(counts);
        let score = |(group, (correct, total)): (&crate::grouping::Group, _)| GroupScore {
            group: group.name.clone(),
            score: Score::new(correct, total),
            range: group.range,
        };
        let groups: Vec<GroupScore> = groups.map(score).collect();
        Self {
            grouping: grouping.name().to_owned(),
            largest_gap: GroupGap::of(&groups),
            groups,
            ungrouped,
        }
    }
}

impl GroupGap {
    /// Returns the gap between the groups of at least [`MIN_GROUP_IMAGES`] images. Of several groups with equal
    /// accuracy, the first one can be `best` and the last one `worst`, so they are different groups.
    fn of(groups: &[GroupScore]) -> Option<Self> {
        let large = || {
            let large = |group: &&GroupScore| group.score.total >= MIN_GROUP_IMAGES;
            groups.iter().filter(large)
        };
        if large().count() < 2 {
            return None;
        }
        let accuracy = |group: &GroupScore| group.score.accuracy.unwrap_or_default();
        // Of equal values, `min_by` returns the first one and `max_by` the last one.
        let worst = large()
            .rev()
            .min_by(|a, b| accuracy(a).total_cmp(&accuracy(b)))?;
        let best = large()
            .rev()
            .max_by(|a, b| accuracy(a).total_cmp(&accuracy(b)))?;
        let counts = |group: &GroupScore| (group.score.correct, group.score.total);
        Some(Self {
            best: best.group.clone(),
            worst: worst.group.clone(),
            difference: accuracy(best) - accuracy(worst),
            interval: independent_difference(counts(worst), counts(best))?,
        })
    }
}
