//! The faces that a report shows.

use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use mien_faces::{dataset::Sample, report::Comparison};

use crate::evaluation::Evaluation;

/// Maximum number of changed predictions of which a comparison shows the face.
pub(super) const MAX_CHANGED: usize = 48;

/// Width and height of a face in a report in pixels, as in FER2013.
const SIDE: usize = 48;

/// Faces as PNG by the opaque identifier of their image. A report shows a placeholder for a face that is missing.
#[derive(Debug, Clone, Default)]
pub struct FaceImages(HashMap<String, Vec<u8>>);

impl FaceImages {
    /// Reads the faces that the report of an evaluation shows. `find` returns the sample with an identifier. Unknown and
    /// unreadable images are skipped. Blocks while it reads from the disk.
    pub fn of_evaluation(evaluation: &Evaluation, find: impl Fn(&str) -> Option<Sample>) -> Self {
        Self::read(
            evaluation
                .mistakes
                .iter()
                .map(|mistake| mistake.image.as_str()),
            find,
        )
    }

    /// Reads the faces that the report of a comparison shows, like [`Self::of_evaluation`].
    pub fn of_comparison(comparison: &Comparison, find: impl Fn(&str) -> Option<Sample>) -> Self {
        let flips = comparison.flipped.images.iter().take(MAX_CHANGED);
        Self::read(flips.map(|flip| flip.image.as_str()), find)
    }

    fn read<'a>(ids: impl Iterator<Item = &'a str>, find: impl Fn(&str) -> Option<Sample>) -> Self {
        let read = |id: &str| Some((id.to_owned(), find(id)?.load(SIDE).ok()?.png()));
        Self(ids.filter_map(read).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the face as a `data:` URL.
    pub(super) fn data_url(&self, id: &str) -> Option<String> {
        let png = self.0.get(id)?;
        Some(format!(
            "data:image/png;base64,{}",
            BASE64_STANDARD.encode(png)
        ))
    }
}
