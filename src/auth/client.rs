//! The client of an authorized request.

use std::sync::Arc;

use super::keys::{Admission, Key, LimitExceeded};

/// The client of an authorized request, whose key limits its images. A client without a key does not have limits of its own.
#[derive(Clone, Default)]
pub struct Client(Option<Arc<Key>>);

impl Client {
    /// Creates the client of a key.
    pub(super) fn of(key: Arc<Key>) -> Self {
        Self(Some(key))
    }

    /// Admits images for inference. They count as concurrent images until the result is dropped.
    ///
    /// # Errors
    /// Returns the exceeded limit of the key.
    pub fn admit(&self, images: usize) -> Result<Admission, LimitExceeded> {
        self.0
            .as_ref()
            .map_or_else(|| Ok(Admission::default()), |key| key.admit(images))
    }
}
