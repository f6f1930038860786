//! The distribution of each feature in an evaluation.

use serde::{Deserialize, Serialize};

use super::{
    bins::Bins,
    feature::{Feature, Observation},
};

/// Minimum number of images of a profile.
const MIN_IMAGES: usize = 100;

/// The histogram of each feature over the images of an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Number of images.
    pub(super) images: u64,
    pub(super) features: Vec<FeatureProfile>,
}

/// The histogram of a feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct FeatureProfile {
    pub(super) feature: Feature,
    /// Edges of the bins.
    pub(super) bins: Bins,
    /// Number of images per bin.
    pub(super) counts: Vec<u64>,
}

/// The classified images of an evaluation.
#[derive(Debug, Default)]
pub struct Observations(Vec<Observation>);

impl Observations {
    /// Adds an image.
    pub fn push(&mut self, observation: Observation) {
        self.0.push(observation);
    }

    /// Returns the profile of the images for a model with this number of labels, or `None` for fewer than `MIN_IMAGES` images.
    pub fn profile(&self, classes: usize) -> Option<Profile> {
        if self.0.len() < MIN_IMAGES {
            return None;
        }
        let profile = |feature| {
            let values = self.0.iter();
            let values = values.filter_map(|observation| observation.value(feature));
            let values: Vec<f32> = values.collect();
            let bins = if feature == Feature::Label {
                Bins::of_classes(classes)
            } else {
                Bins::of_quantiles(values.clone())
            };
            FeatureProfile {
                feature,
                counts: bins.count(values),
                bins,
            }
        };
        Some(Profile {
            images: self.0.len().try_into().unwrap_or(u64::MAX),
            features: Feature::ALL.map(profile).to_vec(),
        })
    }
}

impl Profile {
    /// Returns the profile as text for the store.
    ///
    /// # Errors
    /// Returns an error if a number is not finite.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    /// Reads the text of [`Self::to_json`].
    ///
    /// # Errors
    /// Returns an error if the text is not a profile.
    pub fn from_json(text: &str) -> serde_json::Result<Self> {
        let profile: Self = serde_json::from_str(text)?;
        let is_consistent = |feature: &FeatureProfile| feature.counts.len() == feature.bins.len();
        if profile.features.iter().all(is_consistent) {
            Ok(profile)
        } else {
            let message = "the number of counts differs from the number of bins";
            Err(serde::de::Error::custom(message))
        }
    }
}
