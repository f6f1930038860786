//! The faces that a report shows.

use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use mien_faces::{dataset::Sample, report::Comparison};

use super::html::SHOWN;
use crate::evaluation::Evaluation;

/// The side of a face in a report, in pixels: that of FER2013.
const SIDE: usize = 48;

/// Faces by the opaque ids of their images, as PNG. A face that is not there is left out of the report.
#[derive(Debug, Clone, Default)]
pub struct Pictures(HashMap<String, Vec<u8>>);

impl Pictures {
    /// Reads the faces that the page of an evaluation shows, those that `find` knows by their ids and that can still be
    /// read. Blocks as long as the disk takes.
    pub fn of_evaluation(evaluation: &Evaluation, find: impl Fn(&str) -> Option<Sample>) -> Self {
        Self::read(
            evaluation
                .mistakes
                .iter()
                .map(|mistake| mistake.image.as_str()),
            find,
        )
    }

    /// Reads the faces that the page of a comparison shows, as [`Self::of_evaluation`] does.
    pub fn of_comparison(comparison: &Comparison, find: impl Fn(&str) -> Option<Sample>) -> Self {
        let flips = comparison.flipped.images.iter().take(SHOWN);
        Self::read(flips.map(|flip| flip.image.as_str()), find)
    }

    fn read<'a>(ids: impl Iterator<Item = &'a str>, find: impl Fn(&str) -> Option<Sample>) -> Self {
        let read = |id: &str| Some((id.to_owned(), find(id)?.load(SIDE).ok()?.png()));
        Self(ids.filter_map(read).collect())
    }

    /// Whether there is none to show.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The face as a `data:` address.
    pub(super) fn address(&self, id: &str) -> Option<String> {
        let png = self.0.get(id)?;
        Some(format!(
            "data:image/png;base64,{}",
            BASE64_STANDARD.encode(png)
        ))
    }
}
