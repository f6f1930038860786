//! Compares two models on the same images per group.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{MIN_GROUP_IMAGES, Prediction, Predictions, pairs::Pairs, ratio};
use crate::grouping::Grouping;

/// The accuracies of two models per group of a grouping.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupingComparison {
    /// Name of the grouping.
    #[cfg_attr(feature = "openapi", schema(example = "brightness"))]
    pub grouping: String,
    /// Its groups that have images in both evaluations.
    pub groups: Vec<GroupDifference>,
}

/// The accuracies of two models on the images of a group. Differences are `b - a`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupDifference {
    /// Name of the group.
    #[cfg_attr(feature = "openapi", schema(example = "low"))]
    pub group: String,
    /// Number of images of the group that are in both evaluations.
    pub images: u64,
    /// Accuracy of a on these images, 0 to 1.
    pub accuracy_a: f64,
    /// Accuracy of b on these images, 0 to 1.
    pub accuracy_b: f64,
    /// `accuracy_b - accuracy_a`, -1 to 1.
    pub difference: f64,
    /// The 95 % interval of the difference for paired images (Newcombe 1998, method 10).
    pub difference_interval: [f64; 2],
}

/// A group with the name of its grouping.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorstGroup {
    /// Name of the grouping.
    pub grouping: String,
    /// The group with its accuracies.
    #[serde(flatten)]
    pub group: GroupDifference,
}

/// Returns the differences per group of two models. The groups are those of b, or those of a if b does not have groups.
pub(super) fn group_differences(a: &Predictions, b: &Predictions) -> Vec<GroupingComparison> {
    if b.groupings.is_empty() {
        let pairs = pairs(&a.images, &b.images);
        differences(&a.groupings, &pairs.collect::<Vec<_>>())
    } else {
        let pairs = pairs(&b.images, &a.images).map(|pair| pair.map(|(b, a)| (a, b)));
        differences(&b.groupings, &pairs.collect::<Vec<_>>())
    }
}

/// Returns for each image whether its prediction and the other prediction for it are correct, or `None` without the other one.
fn pairs(
    images: &[Prediction],
    others: &[Prediction],
) -> impl Iterator<Item = Option<(bool, bool)>> {
    let is_correct = |prediction: &Prediction| prediction.outcome().is_correct();
    let others: HashMap<&str, bool> = others
        .iter()
        .map(|other| (other.image.as_str(), is_correct(other)))
        .collect();
    images.iter().map(move |image| {
        let other = others.get(image.image.as_str())?;
        Some((is_correct(image), *other))
    })
}

/// Returns the differences per group, given for each image whether a and b are correct.
fn differences(groupings: &[Grouping], images: &[Option<(bool, bool)>]) -> Vec<GroupingComparison> {
    let of_grouping = |grouping: &Grouping| {
        let mut pairs = vec![Pairs::default(); grouping.groups().len()];
        for (image, correct) in images.iter().enumerate() {
            let group = grouping.group_of(image);
            if let (Some(pairs), &Some((a, b))) =
                (group.and_then(|group| pairs.get_mut(group)), correct)
            {
                pairs.add(a, b);
            }
        }
        let groups = grouping.groups().iter().zip(&pairs);
        let groups = groups.filter_map(|(group, pairs)| GroupDifference::of(&group.name, pairs));
        GroupingComparison {
            grouping: grouping.name().to_owned(),
            groups: groups.collect(),
        }
    };
    let compared = groupings.iter().map(of_grouping);
    compared
        .filter(|grouping| !grouping.groups.is_empty())
        .collect()
}

impl GroupDifference {
    /// Returns the difference of a group, or `None` without images.
    fn of(group: &str, pairs: &Pairs) -> Option<Self> {
        let images = pairs.images();
        Some(Self {
            group: group.to_owned(),
            images,
            accuracy_a: ratio(pairs.both_correct + pairs.only_a_correct, images)?,
            accuracy_b: ratio(pairs.both_correct + pairs.only_b_correct, images)?,
            difference: pairs.difference()?,
            difference_interval: pairs.difference_interval()?,
        })
    }

    /// Returns whether the group has at least [`MIN_GROUP_IMAGES`] images.
    pub fn is_large(&self) -> bool {
        self.images >= MIN_GROUP_IMAGES
    }
}

/// Returns the large group with the lowest negative difference.
pub(super) fn largest_loss(groupings: &[GroupingComparison]) -> Option<WorstGroup> {
    large_groups(groupings)
        .filter(|(_, group)| group.difference < 0.0)
        .min_by(|(_, a), (_, b)| a.difference.total_cmp(&b.difference))
        .map(|(grouping, group)| WorstGroup {
            grouping: grouping.to_owned(),
            group: group.clone(),
        })
}

/// Returns the groups of at least [`MIN_GROUP_IMAGES`] images with the names of their groupings.
pub fn large_groups(
    groupings: &[GroupingComparison],
) -> impl Iterator<Item = (&str, &GroupDifference)> {
    groupings.iter().flat_map(|grouping| {
        let large = grouping.groups.iter().filter(|group| group.is_large());
        large.map(|group| (grouping.grouping.as_str(), group))
    })
}
