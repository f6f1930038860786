//! The evaluation whose profile the traffic of a version is compared with.

use mien_faces::dataset::Split;

use super::profile::Profile;
use crate::{
    store::{EvaluationRecord, JobId, StoredProfile},
    timestamp::Timestamp,
};

/// The profile of a version and the evaluation that it is from.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// Identifier of the evaluation.
    pub(super) evaluation: JobId,
    /// Name of the data set.
    pub(super) dataset: String,
    /// Split of the data set.
    pub(super) split: Split,
    /// End of the evaluation.
    pub(super) finished: Timestamp,
    pub(super) profile: Profile,
}

impl Reference {
    /// Returns whether the profile of an evaluation can be a reference. The evaluation must cover a whole split. A model is more confident
    /// on its training images than on other images, so their profile is not a reference.
    pub fn is_possible(record: &EvaluationRecord) -> bool {
        record.is_whole && record.split != Split::Train
    }

    /// Creates the reference of an evaluation that has just ended.
    pub fn new(record: &EvaluationRecord, finished: Timestamp, profile: Profile) -> Self {
        Self {
            evaluation: record.id,
            dataset: record.dataset.clone(),
            split: record.split,
            finished,
            profile,
        }
    }

    /// Reads a stored reference.
    ///
    /// # Errors
    /// Returns an error if the text is not a profile.
    pub(super) fn of_stored(stored: StoredProfile) -> serde_json::Result<Self> {
        let StoredProfile {
            evaluation,
            dataset,
            split,
            finished,
            profile,
        } = stored;
        Ok(Self {
            evaluation,
            dataset,
            split,
            finished,
            profile: Profile::from_json(&profile)?,
        })
    }
}
