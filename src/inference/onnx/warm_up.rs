//! The first calls of a session, before it gets requests.

use mien_faces::image::Face;

use super::{OnnxClassifier, Session};
use crate::inference::{
    InferenceError, Input, probabilities,
    runtime::CallKind,
    signature::{OutputKind, Signature},
};

impl OnnxClassifier {
    /// Wraps an open session and warms it up with an inference call of `images` images, or with one call of each batch size if the
    /// engine compiles kernels for each. An output of the wrong shape is found here instead of in a request.
    ///
    /// # Errors
    /// Returns an error if an inference call fails or its output is not one distribution over `labels` labels per image.
    pub fn new(
        session: Session,
        signature: Signature,
        labels: usize,
        max_batch: usize,
        images: usize,
    ) -> Result<Self, InferenceError> {
        let mut classifier = Self::without_warm_up(session, signature, labels, max_batch);
        let images = images.min(classifier.max_batch);
        classifier.timed(CallKind::Trial, |this| this.warm_up(images))?;
        if classifier.session.compiles_batch_sizes {
            for size in 1..=classifier.max_batch {
                classifier.timed(CallKind::Trial, |this| this.run_batch(size).map(drop))?;
            }
        }
        Ok(classifier)
    }

    /// Runs uniform and striped faces. If the kind of the output is not declared, it is detected: probabilities if each row
    /// is a distribution, otherwise logits.
    fn warm_up(&mut self, images: usize) -> Result<(), InferenceError> {
        let rows = self.run_batch(images)?;
        let mut predictions = rows.iter().map(|row| self.prediction_of(row));
        if self.signature.kind.is_none() && predictions.all(probabilities::is_distribution) {
            self.kind = OutputKind::Probabilities;
        }
        rows.iter()
            .try_for_each(|row| self.kind.read(self.prediction_of(row)).map(drop))
    }

    /// Runs test faces as a batch of this size.
    fn run_batch(&mut self, size: usize) -> Result<Vec<Box<[f32]>>, InferenceError> {
        let faces: Vec<Input> = (0..size)
            .map(|index| test_face(self.signature.side, index))
            .collect();
        self.run(&faces)
    }
}

/// Returns a uniform face for index 0 and a striped face for other indices.
fn test_face(side: usize, index: usize) -> Input {
    let striped = |pixel: usize| {
        if (pixel / 5 + index).is_multiple_of(2) {
            0
        } else {
            255
        }
    };
    let pixels = if index == 0 {
        vec![128; side * side]
    } else {
        (0..side * side).map(striped).collect()
    };
    Input::Face(Face::new(side, pixels).expect("the pixels form a square"))
}
