//! The parameters of a promotion, and why one is not started.

use std::num::NonZeroUsize;

use mien_faces::{
    grouping::{BUILT_IN, Grouping, LEVELS},
    report::{MIN_GROUP_IMAGES, min_images_for_margin},
};

use crate::{
    evaluation,
    models::{LifecycleError, ModelVersion, PromoteError, registry::ResolveError},
    shadow::{NotPassed, ShadowRequirement},
    store::{JobId, PromotionRecord, PromotionStatus, StoreError},
    timestamp::Timestamp,
};

/// Maximum number of pending promotions of all models together.
pub(super) const MAX_PENDING: usize = 4;

/// Acceptance criterion of a candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Criterion {
    /// The minimum accuracy, 0 to 1.
    MinAccuracy(f64),
    /// With 95 % confidence, an accuracy at most `margin` below that of another version on the same images.
    MaxRegression {
        /// The non-inferiority margin, 0 to 1.
        margin: f64,
        /// The margin of the same test on each group of at least 30 images.
        group_margin: Option<f64>,
        /// The other version; if it is `None`, the one that serves.
        baseline: Option<ModelVersion>,
    },
}

/// Parameters of a promotion.
#[derive(Debug, Clone, PartialEq)]
pub struct PromotionSpec {
    /// Name or alias of the model.
    pub model: String,
    /// Candidate version.
    pub version: ModelVersion,
    /// Acceptance criterion.
    pub criterion: Criterion,
    /// The result that the shadow of the candidate must have.
    pub shadow: Option<ShadowRequirement>,
    /// Images of the evaluation.
    pub images: evaluation::EvaluationSpec,
}

/// Why a promotion is not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The version cannot be promoted in the current state of the model.
    #[error(transparent)]
    Promote(#[from] PromoteError),
    /// The baseline version is not loaded.
    #[error(transparent)]
    Baseline(#[from] ResolveError),
    /// The version is its own baseline.
    #[error("version {0} cannot be its own baseline; choose another `baseline_version`")]
    Itself(ModelVersion),
    /// Even a candidate with the same predictions as the baseline could not meet the criterion on this number of images.
    #[error(
        "{images} images are too few for a `max_regression` of {margin}: even identical predictions could not meet it; use at least {needed} images or a larger margin"
    )]
    TooFewImages {
        /// Number of images of the request.
        images: usize,
        /// The non-inferiority margin.
        margin: f64,
        /// Number of images that the margin needs.
        needed: u64,
    },
    /// No group has enough images for a comparison.
    #[error(
        "`max_group_regression` needs a group of at least {MIN_GROUP_IMAGES} images, but all groups of the {images} selected images are smaller; use at least {} images",
        TERCILES * MIN_GROUP_IMAGES
    )]
    NoGroups {
        /// Number of images of the request.
        images: usize,
    },
    /// Even a candidate with the same predictions as the baseline could not meet the criterion on this group.
    #[error(
        "the group `{group}` of `{grouping}` has {images} images, which are too few for a `max_group_regression` of {margin}: even identical predictions could not meet it; use at least {needed} images per group or a larger margin"
    )]
    TooFewGroupImages {
        /// Name of the grouping.
        grouping: String,
        /// Name of the group.
        group: String,
        /// Number of images of the group.
        images: u64,
        /// The non-inferiority margin.
        margin: f64,
        /// Number of images that the margin needs.
        needed: u64,
    },
    /// The shadow of the candidate does not have the required result.
    #[error(transparent)]
    Shadow(#[from] NotPassed),
    /// The candidate cannot be evaluated on these images.
    #[error(transparent)]
    Evaluation(#[from] evaluation::StartError),
    /// Too many promotions are pending.
    #[error("{MAX_PENDING} promotions are queued or running; wait for one to end or cancel one")]
    TooMany,
    /// The server is shutting down.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<LifecycleError> for StartError {
    fn from(error: LifecycleError) -> Self {
        Self::Promote(error.into())
    }
}

impl Criterion {
    /// Checks that identical predictions on this number of images could meet the criterion. A margin of 0 is met only by better
    /// predictions, so every number of images is enough.
    ///
    /// # Errors
    /// Returns [`StartError::TooFewImages`].
    pub(super) fn check_images(self, images: usize) -> Result<(), StartError> {
        let Self::MaxRegression { margin, .. } = self else {
            return Ok(());
        };
        if margin <= 0.0 {
            return Ok(());
        }
        let needed = min_images_for_margin(margin);
        if u64::try_from(images).is_ok_and(|images| images < needed) {
            return Err(StartError::TooFewImages {
                images,
                margin,
                needed,
            });
        }
        Ok(())
    }
}

/// Number of groups of the built-in groupings.
const TERCILES: u64 = LEVELS.len() as u64;

/// Checks that identical predictions could meet the margin on each group. `groupings` are those of `groups.csv` for the images.
///
/// # Errors
/// Returns [`StartError::NoGroups`] or [`StartError::TooFewGroupImages`].
pub(super) fn check_groups(
    margin: f64,
    images: usize,
    groupings: &[Grouping],
) -> Result<(), StartError> {
    // The images are not measured yet. Without equal values, each of the terciles has at least this number of images.
    let tercile = u64::try_from(images).unwrap_or(u64::MAX) / TERCILES;
    let mut groups = vec![(BUILT_IN[0], LEVELS[0], tercile)];
    for grouping in groupings {
        let names = grouping.groups().iter().map(|group| group.name.as_str());
        let counts = names.zip(grouping.counts());
        groups.extend(counts.map(|(group, count)| (grouping.name(), group, count)));
    }
    groups.retain(|(_, _, images)| *images >= MIN_GROUP_IMAGES);
    let Some(&(grouping, group, smallest)) = groups.iter().min_by_key(|(.., images)| *images)
    else {
        return Err(StartError::NoGroups { images });
    };
    // A margin of 0 is met only by better predictions, so every number of images is enough.
    let needed = min_images_for_margin(margin);
    if margin > 0.0 && smallest < needed {
        return Err(StartError::TooFewGroupImages {
            grouping: grouping.to_owned(),
            group: group.to_owned(),
            images: smallest,
            margin,
            needed,
        });
    }
    Ok(())
}

impl PromotionSpec {
    /// Creates the record of a new promotion on `total` images; `model` is the name that an alias resolves to.
    pub(super) fn record(
        &self,
        model: &str,
        previous: ModelVersion,
        total: usize,
    ) -> PromotionRecord {
        let evaluation::EvaluationSpec {
            dataset,
            split,
            limit,
            request_id,
        } = self.images.clone();
        let record = PromotionRecord {
            id: JobId::random(),
            status: PromotionStatus::Queued,
            model: model.to_owned(),
            version: self.version,
            previous: Some(previous),
            dataset,
            split,
            limit: limit.map(NonZeroUsize::get),
            min_accuracy: None,
            max_regression: None,
            max_group_regression: None,
            baseline_version: None,
            sha256: None,
            engine: None,
            precision: None,
            candidate_evaluation_id: None,
            baseline_evaluation_id: None,
            done: 0,
            total,
            result: None,
            reason: None,
            request_id,
            created: Timestamp::now(),
            finished: None,
        };
        match self.criterion {
            Criterion::MinAccuracy(accuracy) => PromotionRecord {
                min_accuracy: Some(accuracy),
                ..record
            },
            Criterion::MaxRegression {
                margin,
                group_margin,
                baseline,
            } => PromotionRecord {
                max_regression: Some(margin),
                max_group_regression: group_margin,
                baseline_version: Some(baseline.unwrap_or(previous)),
                ..record
            },
        }
    }
}
