//! Evaluations and their comparisons for people: one HTML page that needs nothing else, or Markdown.
//!
//! ```text
//! Evaluation, Comparison -> html: maud; charts: inline SVG; page: head, style, policy
//!                        -> markdown
//! summary: the sentences that both use; mien_faces::report::format: numbers as text
//! ```
//!
//! Pure: who asks for it reads the pictures and writes the bytes.

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
use crate::timestamp::Timestamp;

/// What a report is about, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The model's name.
    pub model: String,
    /// The model's version.
    pub version: String,
    /// SHA-256 of the model's file, hex digits.
    pub sha256: String,
    /// The data set's name.
    pub dataset: String,
    /// Which images of it.
    pub split: Split,
    /// At most how many of them, where that was asked for.
    pub limit: Option<usize>,
    /// The fingerprint of the split, hex digits, where it was taken.
    pub dataset_sha256: Option<String>,
    /// When the evaluation ended, RFC 3339 in UTC.
    pub finished: Option<Timestamp>,
    /// The evaluation's id, where a server keeps it.
    pub id: Option<String>,
    /// The id of the request that ordered it.
    pub request_id: Option<String>,
}

impl From<&EvaluationInfo> for Subject {
    fn from(head: &EvaluationInfo) -> Self {
        let head = head.clone();
        Self {
            model: head.model,
            version: head.version,
            sha256: head.sha256,
            dataset: head.dataset,
            split: head.split,
            limit: head.limit,
            dataset_sha256: head.dataset_sha256,
            finished: head.finished,
            id: Some(head.id.to_string()),
            request_id: head.request_id,
        }
    }
}

impl Subject {
    /// The model as commands name it: `resnet-20-v1@1`.
    fn title(&self) -> String {
        format!("{}@{}", self.model, self.version)
    }

    /// The images: `fer2013 test`, and where they are not all of them how many at most.
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

    /// Names and values of what it comes from.
    fn origin(&self) -> Vec<(&'static str, String)> {
        let optional = |name, value: &Option<String>| Some((name, value.clone()?));
        let rows = [
            Some(("Model", self.model.clone())),
            Some(("Version", self.version.clone())),
            Some(("Model file, SHA-256", self.sha256.clone())),
            Some(("Data", self.images())),
            optional("Data, SHA-256", &self.dataset_sha256),
            self.finished
                .map(|time| ("When", format::when(&time.to_string()))),
            optional("Evaluation", &self.id),
            optional("Ordered by request", &self.request_id),
        ];
        rows.into_iter().flatten().collect()
    }
}

/// One of two that are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// What it is called: `resnet-20-v1@1`, a file's name.
    pub name: String,
    /// What it comes from, where that is known.
    pub subject: Option<Subject>,
}

impl From<&EvaluationInfo> for Side {
    fn from(head: &EvaluationInfo) -> Self {
        let subject = Subject::from(head);
        Self {
            name: subject.title(),
            subject: Some(subject),
        }
    }
}

#[cfg(test)]
mod tests;
