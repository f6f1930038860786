//! Reports of evaluations and of their comparisons: one self-contained HTML page, or Markdown.
//!
//! ```text
//! Evaluation, Comparison -> html: maud; charts: inline SVG; layout: frame of the page, style, policy
//!                        -> markdown
//! summary: the sentences that both use; mien_faces::report::format: numbers as text
//! ```
//!
//! The module is pure: its callers read the faces and write the text.

mod charts;
mod components;
mod face_images;
mod html;
mod icons;
mod layout;
mod markdown;
mod summary;

use mien_faces::{dataset::Split, report::format};

pub use self::{
    face_images::FaceImages,
    html::{comparison as comparison_html, html},
    layout::POLICY,
    markdown::{comparison as comparison_markdown, markdown},
    summary::verdict,
};
use super::EvaluationInfo;
use crate::{notice::Notice, timestamp::Timestamp};

/// The model and the images of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Name of the model.
    pub model: String,
    /// Version of the model.
    pub version: String,
    /// SHA-256 of the model file, lower-case hex.
    pub sha256: String,
    /// Name of the engine that executed the model.
    pub engine: String,
    /// Name of the precision of the arithmetic.
    pub precision: String,
    /// Name of the data set.
    pub dataset: String,
    /// Split of the data set.
    pub split: Split,
    /// Maximum number of images, if the request limited it.
    pub limit: Option<usize>,
    /// Fingerprint of the split, lower-case hex, if all files could be read.
    pub dataset_sha256: Option<String>,
    /// Time when the evaluation ended.
    pub finished: Option<Timestamp>,
    /// Identifier of the evaluation, if a server stores it.
    pub id: Option<String>,
    /// Identifier of the request that started it.
    pub request_id: Option<String>,
    /// The notice of the server's operator.
    pub notice: Option<Notice>,
}

impl From<&EvaluationInfo> for Subject {
    fn from(info: &EvaluationInfo) -> Self {
        let info = info.clone();
        Self {
            model: info.model,
            version: info.version.to_string(),
            sha256: info.sha256,
            engine: info.engine,
            precision: info.precision,
            dataset: info.dataset,
            split: info.split,
            limit: info.limit,
            dataset_sha256: info.dataset_sha256,
            finished: info.finished,
            id: Some(info.id.to_string()),
            request_id: info.request_id,
            notice: None,
        }
    }
}

impl Subject {
    /// Returns name and version of the model: `resnet-20-v1@1`.
    fn title(&self) -> String {
        format!("{}@{}", self.model, self.version)
    }

    /// Returns the data set and the split, and the limit if there is one: `fer2013 test, at most 700 images`.
    fn images(&self) -> String {
        let limit = self
            .limit
            .map(|limit| format!(", at most {}", format::images(limit as u64)));
        format!(
            "{} {}{}",
            self.dataset,
            self.split,
            limit.unwrap_or_default()
        )
    }

    /// Returns names and values that identify the model, the data and the evaluation.
    fn origin(&self) -> Vec<(&'static str, String)> {
        let optional = |name, value: &Option<String>| Some((name, value.clone()?));
        let rows = [
            Some(("Model", self.model.clone())),
            Some(("Version", self.version.clone())),
            Some(("Model file, SHA-256", self.sha256.clone())),
            Some(("Engine", format!("{}, {}", self.engine, self.precision))),
            Some(("Data set", self.images())),
            optional("Data set, SHA-256", &self.dataset_sha256),
            self.finished
                .map(|time| ("Finished", format::when(&time.to_string()))),
            optional("Evaluation ID", &self.id),
            optional("Request ID", &self.request_id),
        ];
        rows.into_iter().flatten().collect()
    }
}

/// One of the two sides of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// Its title, for example `resnet-20-v1@1` or a file name.
    pub name: String,
    /// Model and images, if they are known.
    pub subject: Option<Subject>,
}

impl From<&EvaluationInfo> for Side {
    fn from(info: &EvaluationInfo) -> Self {
        let subject = Subject::from(info);
        Self {
            name: subject.title(),
            subject: Some(subject),
        }
    }
}

#[cfg(test)]
mod tests;
