//! The images of one request.

use std::collections::VecDeque;

use anyhow::Context;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::Serialize;
use tokio::task::spawn_blocking;

use super::document::ImageResult;
use crate::cli::classify::{inputs::Entry, read::read, result::FileResult};

/// Size in bytes of the files of a request after which the next file is sent with another one. In base64 they are a third
/// longer, and the server accepts bodies of 32 MiB by default.
const MAX_BYTES: usize = 8 << 20;

/// An image file.
pub(super) type Image = Bytes;

/// Files of which the images are not yet read.
pub(super) struct Parts(VecDeque<anyhow::Result<Entry>>);

/// The files of one request, in order.
pub(super) struct Part {
    /// The files, with the errors of those that cannot be read.
    files: Vec<Entry>,
    /// The images of the other files.
    images: Vec<Image>,
}

impl Parts {
    pub(super) fn new(entries: Vec<anyhow::Result<Entry>>) -> Self {
        Self(entries.into())
    }

    /// Reads the files of the next request on a thread of their own. Returns them and the other files, or `None` at the end.
    ///
    /// # Errors
    /// Returns an error if the list of files cannot be read.
    pub(super) async fn next(mut self) -> anyhow::Result<Option<(Part, Self)>> {
        let work = move || {
            let mut part = Part {
                files: Vec::new(),
                images: Vec::new(),
            };
            let mut bytes = 0;
            while bytes < MAX_BYTES
                && let Some(entry) = self.0.pop_front()
            {
                let mut entry = entry?;
                match read(&entry) {
                    Err(error) => entry.error = Some(error),
                    Ok(image) => {
                        bytes += image.len();
                        part.images.push(image);
                    }
                }
                part.files.push(entry);
            }
            Ok((!part.files.is_empty()).then_some((part, self)))
        };
        spawn_blocking(work).await.context("the reader panicked")?
    }
}

impl Part {
    /// Returns the files that could be read.
    pub(super) fn images(&self) -> &[Image] {
        &self.images
    }

    /// Combines the results of the images with the files that could not be read.
    pub(super) fn merge(self, results: Vec<ImageResult>) -> Vec<FileResult> {
        let mut results = results.into_iter();
        let files = self.files.into_iter();
        let merged = files.filter_map(|mut file| match file.error.take() {
            Some(error) => Some(FileResult::failure(file, error)),
            None => results.next().map(|result| result.of(file)),
        });
        merged.collect()
    }
}

/// A body with several images.
#[derive(Serialize)]
struct Body {
    images: Vec<String>,
}

/// Returns the content type and the body of a request.
///
/// # Errors
/// Returns an error if the body cannot be written as JSON.
pub(super) fn body(images: &[Image]) -> anyhow::Result<(&'static str, Bytes)> {
    if let [image] = images {
        return Ok(("application/octet-stream", image.clone()));
    }
    let images = images.iter().map(|image| STANDARD.encode(image)).collect();
    let body = serde_json::to_vec(&Body { images })?;
    Ok(("application/json", body.into()))
}
