//! The result of a shadow as a condition of a promotion.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{progress::Results, shadows::Shadows};
use crate::models::{ModelVersion, live::ServedFiles};

/// The result that a promotion requires from the shadow of its candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShadowRequirement {
    /// Minimum number of compared images, at least 1.
    pub min_images: u64,
    /// Minimum agreement, 0 to 1.
    pub min_agreement: f64,
}

/// The result of the shadow that a promotion required.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = PromotionShadow)]
pub struct ShadowEvidence {
    /// The required number of compared images.
    pub min_images: u64,
    /// The required agreement, 0 to 1.
    pub min_agreement: f64,
    /// Number of compared images.
    pub images: u64,
    /// Share of the images for which the candidate predicted the label of the serving version, 0 to 1.
    pub agreement: f64,
}

/// A shadow that meets a requirement.
#[derive(Debug, Clone, PartialEq)]
pub struct PassedShadow {
    /// The result.
    pub evidence: ShadowEvidence,
    /// The files of the serving version that were compared.
    pub serving: ServedFiles,
    /// The files of the candidate that were compared.
    pub candidate: ServedFiles,
}

/// Why a promotion is not started: the shadow of its candidate does not meet the requirement.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NotPassed {
    /// The versions were not compared since the start of the server.
    #[error(
        "no shadow has compared version {candidate} of model `{model}` with the serving version {serving} since the start of the server; start a shadow with POST /v1/models/{model}/shadow"
    )]
    Missing {
        /// The model.
        model: String,
        /// The candidate.
        candidate: ModelVersion,
        /// The serving version.
        serving: ModelVersion,
    },
    /// The shadow compared too few images.
    #[error(
        "the shadow of version {candidate} has compared {images} images; the promotion requires {required}. Let the shadow run longer"
    )]
    TooFewImages {
        /// The candidate.
        candidate: ModelVersion,
        /// Number of compared images.
        images: u64,
        /// Required number of images.
        required: u64,
    },
    /// The labels differ too often.
    #[error(
        "the agreement of version {candidate} with the serving version is {agreement:.4} on {images} images; the promotion requires {required}. See the `flips` of the shadow, or choose another candidate"
    )]
    LowAgreement {
        /// The candidate.
        candidate: ModelVersion,
        /// The agreement.
        agreement: f64,
        /// Number of compared images.
        images: u64,
        /// The required agreement.
        required: f64,
    },
}

impl Shadows {
    /// Checks the running or else the last shadow that compared two versions of a model.
    ///
    /// # Errors
    /// Returns an error if no shadow compared these versions, or if the shadow does not meet the requirement.
    pub fn check(
        &self,
        model: &str,
        serving: ModelVersion,
        candidate: ModelVersion,
        requirement: ShadowRequirement,
    ) -> Result<PassedShadow, NotPassed> {
        let shadows = self.list.all(model).into_iter().flatten();
        let mut shadows = shadows.filter(|shadow| {
            shadow.version == serving
                && shadow.candidate_version == candidate
                && shadow.candidate_model == shadow.model
        });
        let results = shadows.find_map(|shadow| shadow.results());
        let results = results.ok_or_else(|| NotPassed::Missing {
            model: model.to_owned(),
            candidate,
            serving,
        })?;
        requirement.check(candidate, results)
    }
}

impl ShadowRequirement {
    fn check(self, candidate: ModelVersion, results: Results) -> Result<PassedShadow, NotPassed> {
        let Self {
            min_images,
            min_agreement,
        } = self;
        let (images, agreement) = (results.compared, results.agreement.unwrap_or(0.0));
        if images < min_images {
            return Err(NotPassed::TooFewImages {
                candidate,
                images,
                required: min_images,
            });
        }
        if agreement < min_agreement {
            return Err(NotPassed::LowAgreement {
                candidate,
                agreement,
                images,
                required: min_agreement,
            });
        }
        Ok(PassedShadow {
            evidence: ShadowEvidence {
                min_images,
                min_agreement,
                images,
                agreement,
            },
            serving: results.serving,
            candidate: results.candidate,
        })
    }
}
