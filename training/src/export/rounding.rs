//! Compares a file with float16 weights with the same file with float32 weights.

use mien_faces::{expression::Expression, image::Face};

use super::{ExportError, parity::largest_difference};
use crate::{
    onnx::session::{Model, Outputs},
    report::Rounding,
};

/// Maximum difference between the outputs of both files.
pub const ROUNDING_TOLERANCE: f32 = 1e-3;

/// Faces per inference call.
const BATCH: usize = 64;

/// Runs both files on faces and returns the largest difference and the number of labels that change.
///
/// The difference is that of a probability, or of a logit as a share of the largest logit of the batch (if that is above
/// 1), as in [`super::compare`]. The bound on probabilities bounds the labels too: a label changes only if the best two
/// probabilities of the float32 file are at most twice the difference apart.
///
/// # Errors
/// Returns [`ExportError::Rounding`] if the difference exceeds [`ROUNDING_TOLERANCE`].
pub(super) fn measure(
    full: &mut Model,
    rounded: &mut Model,
    faces: &[Face],
) -> Result<Rounding, ExportError> {
    let mut found = Rounding {
        faces: faces.len(),
        difference: 0.0,
        labels_changed: 0,
    };
    for faces in faces.chunks(BATCH) {
        let (before, after) = (full.run(faces)?, rounded.run(faces)?);
        let difference = difference(&before, &after);
        if difference > found.difference || difference.is_nan() {
            found.difference = difference;
        }
        found.labels_changed += labels(&before)
            .zip(labels(&after))
            .filter(|(a, b)| a != b)
            .count();
    }
    // NaN is not below the tolerance.
    if found.difference <= ROUNDING_TOLERANCE {
        Ok(found)
    } else {
        Err(ExportError::Rounding(found))
    }
}

fn difference(before: &Outputs, after: &Outputs) -> f32 {
    let scale = before
        .logits
        .iter()
        .fold(1.0, |scale: f32, logit| scale.max(logit.abs()));
    let logits = largest_difference(&before.logits, &after.logits) / scale;
    let probabilities = largest_difference(&before.probabilities, &after.probabilities);
    if logits > probabilities || logits.is_nan() {
        logits
    } else {
        probabilities
    }
}

/// Returns the most probable class of each face.
fn labels(outputs: &Outputs) -> impl Iterator<Item = Option<usize>> {
    let (rows, _) = outputs.probabilities.as_chunks::<{ Expression::COUNT }>();
    rows.iter()
        .map(|row| (0..Expression::COUNT).max_by(|&a, &b| row[a].total_cmp(&row[b])))
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::{
        arch::catalog,
        export::values,
        onnx::{
            session::tests::{RUNTIME, metadata},
            views::Views,
            weights::WeightFormat,
            writer,
        },
        torch::weights::Weights,
    };

    #[test]
    fn rounding_above_tolerance_is_an_error() {
        let graph = catalog::build("resnet-8-v1").unwrap();
        let open = |seed, format| {
            let weights = Weights::random(&graph, seed, Device::Cpu).unwrap();
            let metadata = metadata(1.0, Views::Single, format);
            let bytes = writer::encode(&graph, &values(&weights).unwrap(), &metadata).unwrap();
            Model::open(&RUNTIME, &bytes).unwrap()
        };
        let gray = |shift| (0..48 * 48).map(|i| ((i * shift) % 251) as u8).collect();
        let faces: Vec<Face> = (1..80)
            .map(|shift| Face::new(48, gray(shift)).unwrap())
            .collect();

        let mut full = open(1, WeightFormat::Float32);
        let found = measure(&mut full, &mut open(1, WeightFormat::Float16), &faces).unwrap();
        assert_eq!(found.faces, faces.len());
        assert!(
            found.difference > 0.0 && found.difference <= ROUNDING_TOLERANCE,
            "{found:?}"
        );
        let error = measure(&mut full, &mut open(2, WeightFormat::Float16), &faces).unwrap_err();
        let ExportError::Rounding(found) = &error else {
            panic!("{error}")
        };
        assert!(
            found.difference > ROUNDING_TOLERANCE && found.labels_changed > 0,
            "{found:?}"
        );
        assert!(error.to_string().contains("of 79 faces"), "{error}");
    }
}
