//! Numbers of entries and images in requests, with their bounds.

use std::num::NonZeroUsize;

use serde::Deserialize;

/// Maximum number of entries of a list.
const MAX_ENTRIES: usize = 10_000;

/// Maximum number of images that a request can select from a data set.
const MAX_SELECTED: usize = 10_000_000;

/// Number of entries of a list, 1 to 10,000.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "NonZeroUsize")]
pub(in crate::http) struct ListLimit(NonZeroUsize);

impl ListLimit {
    pub(in crate::http) fn get(self) -> usize {
        self.0.get()
    }
}

impl Default for ListLimit {
    fn default() -> Self {
        Self(const { NonZeroUsize::new(100).expect("100 is not 0") })
    }
}

impl TryFrom<NonZeroUsize> for ListLimit {
    type Error = String;

    fn try_from(limit: NonZeroUsize) -> Result<Self, String> {
        at_most(limit, MAX_ENTRIES).map(Self)
    }
}

/// Number of images of a data set, 1 to 10,000,000.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "NonZeroUsize")]
pub(in crate::http) struct ImageLimit(NonZeroUsize);

impl From<ImageLimit> for NonZeroUsize {
    fn from(ImageLimit(limit): ImageLimit) -> Self {
        limit
    }
}

impl TryFrom<NonZeroUsize> for ImageLimit {
    type Error = String;

    fn try_from(limit: NonZeroUsize) -> Result<Self, String> {
        at_most(limit, MAX_SELECTED).map(Self)
    }
}

fn at_most(limit: NonZeroUsize, max: usize) -> Result<NonZeroUsize, String> {
    if limit.get() <= max {
        Ok(limit)
    } else {
        Err(format!("limit is {limit}; expected 1 to {max}"))
    }
}
