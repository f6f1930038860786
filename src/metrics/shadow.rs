//! The metrics of shadows.

use prometheus::{GaugeVec, IntCounter, IntCounterVec, Registry};

use super::register::{counter, gauge};

/// Outcome of a copied image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShadowOutcome {
    /// Both versions predict the same label.
    Agreed,
    /// The versions predict different labels.
    Flipped,
    /// The candidate did not classify the image, because a queue was full.
    Dropped,
    /// The candidate failed.
    Failed,
}

impl ShadowOutcome {
    const ALL: [Self; 4] = [Self::Agreed, Self::Flipped, Self::Dropped, Self::Failed];

    fn label(self) -> &'static str {
        match self {
            Self::Agreed => "agreed",
            Self::Flipped => "flipped",
            Self::Dropped => "dropped",
            Self::Failed => "failed",
        }
    }
}

/// The metric families of shadows.
#[derive(Clone)]
pub struct ShadowFamilies {
    images: IntCounterVec,
    agreement: GaugeVec,
}

/// The metrics of one shadow.
pub struct ShadowMetrics {
    families: ShadowFamilies,
    model: String,
    version: String,
    candidate: String,
    images: [IntCounter; ShadowOutcome::ALL.len()],
}

impl ShadowFamilies {
    /// Creates and registers the families.
    pub(super) fn register(r: &Registry) -> Self {
        Self {
            images: counter(
                r,
                "mien_shadow_images_total",
                "Copied images of a shadow by outcome.",
                &["model", "version", "candidate", "outcome"],
            ),
            agreement: gauge(
                r,
                "mien_shadow_agreement",
                "Share of the images for which the candidate of a shadow predicts the label of the serving version, 0 to 1.",
                &["model", "version", "candidate"],
            ),
        }
    }

    /// Returns the metrics of a shadow and creates its counters with the value 0. The candidate must be a version of the repository.
    pub fn shadow(&self, model: &str, version: &str, candidate: &str) -> ShadowMetrics {
        let images = ShadowOutcome::ALL.map(|outcome| {
            self.images
                .with_label_values(&[model, version, candidate, outcome.label()])
        });
        ShadowMetrics {
            families: self.clone(),
            model: model.to_owned(),
            version: version.to_owned(),
            candidate: candidate.to_owned(),
            images,
        }
    }
}

impl ShadowMetrics {
    fn of(&self) -> [&str; 3] {
        [&self.model, &self.version, &self.candidate]
    }

    /// Counts an image.
    pub fn count(&self, outcome: ShadowOutcome) {
        self.images[outcome as usize].inc();
    }

    /// Sets the agreement, 0 to 1. It has a series after the first image.
    pub fn set_agreement(&self, agreement: f64) {
        let gauge = self.families.agreement.with_label_values(&self.of());
        gauge.set(agreement);
    }

    /// Removes all series.
    pub fn remove(&self) {
        let [model, version, candidate] = self.of();
        // An error means that the series does not exist.
        for outcome in ShadowOutcome::ALL.map(ShadowOutcome::label) {
            let of = [model, version, candidate, outcome];
            let _ = self.families.images.remove_label_values(&of);
        }
        let _ = self.families.agreement.remove_label_values(&self.of());
    }
}
