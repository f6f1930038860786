//! Applies the criterion to each group of images.

use mien_faces::report::{GroupingComparison, WorstGroup, large_groups};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The result of `max_group_regression`. Accuracies are 0 to 1.
///
/// Each group of at least 30 images must pass the test of `max_regression`. The 95 % intervals are not corrected for the number of groups,
/// because a candidate passes only if it passes all tests. The probability that it passes although its loss in some group exceeds the
/// margin is at most that of a single test (intersection-union test: R. L. Berger, "Multiparameter hypothesis testing and acceptance
/// sampling", Technometrics 24, 1982).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = PromotionGroupsResult)]
pub struct GroupVerdict {
    /// Whether at least one group was compared and all compared groups pass.
    pub passed: bool,
    /// The smallest lower end of an interval that passes: `-max_group_regression`.
    pub required: f64,
    /// Number of groups of at least 30 images, which are compared.
    pub compared: usize,
    /// Number of compared groups that do not pass.
    pub failed: usize,
    /// The compared group whose interval has the lowest lower end. Its `accuracy_a` is that of the baseline and its `accuracy_b` that of the
    /// candidate. Null if no group was compared.
    pub worst: Option<WorstGroup>,
    /// `required` minus the lower end of the interval of `worst` if `worst` does not pass, otherwise null.
    pub shortfall: Option<f64>,
}

impl GroupVerdict {
    /// Applies a margin to each group of the comparison of a baseline (a) and a candidate (b).
    pub(super) fn new(margin: f64, groupings: &[GroupingComparison]) -> Self {
        let required = 0.0 - margin;
        let (mut compared, mut failed) = (0, 0);
        let mut worst: Option<(&str, _)> = None;
        let mut lowest = f64::INFINITY;
        for (grouping, group) in large_groups(groupings) {
            let [low, _] = group.difference_interval;
            compared += 1;
            failed += usize::from(low < required);
            if low < lowest {
                (worst, lowest) = (Some((grouping, group)), low);
            }
        }
        Self {
            passed: compared > 0 && failed == 0,
            required,
            compared,
            failed,
            worst: worst.map(|(grouping, group)| WorstGroup {
                grouping: grouping.to_owned(),
                group: group.clone(),
            }),
            shortfall: (failed > 0).then_some(required - lowest),
        }
    }
}
