//! Decoding of the network's outputs.

use std::cmp::Ordering;

use crate::image::BoundingBox;

use super::{
    Detection, DetectionOptions, DetectorFrame, Landmarks, OutputError, Point, STRIDES,
    StrideOutputs, outputs::Cell, suppression::suppress,
};

/// Decodes the outputs of YuNet for one image, in the order of [`STRIDES`], like `FaceDetectorYN` of OpenCV. Returns the faces in
/// descending order of size; faces of equal size are in descending order of score, then from top to bottom and from left to right.
///
/// Cells with values that are not finite, and boxes that fail [`BoundingBox::check`], are ignored.
///
/// # Errors
/// Returns an error if an array does not have the length that the size of the detector's input requires.
pub fn decode(
    outputs: &[StrideOutputs<'_>; STRIDES.len()],
    frame: &DetectorFrame,
    options: &DetectionOptions,
) -> Result<Vec<Detection>, OutputError> {
    let mut candidates = Vec::new();
    for (outputs, stride) in outputs.iter().zip(STRIDES) {
        let cells = outputs.cells(frame, stride)?;
        candidates.extend(cells.filter_map(|cell| cell.detection(frame, options)));
    }
    let mut faces = suppress(candidates);
    faces.sort_by(by_size);
    faces.truncate(options.max_faces);
    Ok(faces)
}

/// Compares detections for the order of the result. All numbers are finite.
fn by_size(a: &Detection, b: &Detection) -> Ordering {
    let (first, second) = (&a.face_box, &b.face_box);
    (second.size().total_cmp(&first.size()))
        .then(b.score.total_cmp(&a.score))
        .then(first.y.total_cmp(&second.y))
        .then(first.x.total_cmp(&second.x))
}

impl Cell<'_> {
    /// Returns the detection of this cell if it complies with the options.
    fn detection(&self, frame: &DetectorFrame, options: &DetectionOptions) -> Option<Detection> {
        let score = self.score()?;
        if score < options.min_score {
            return None;
        }
        let face_box = self.face_box(frame);
        let (width, height) = frame.photo();
        face_box.check(width, height).ok()?;
        let landmarks = self.landmarks(frame)?;
        (face_box.size() >= options.min_size).then_some(Detection {
            face_box,
            score,
            landmarks,
        })
    }

    /// Returns the geometric mean of class probability and objectness, 0 to 1, or `None` if one of them is not finite.
    fn score(&self) -> Option<f32> {
        let is_finite = self.cls.is_finite() && self.obj.is_finite();
        is_finite.then(|| (self.cls.clamp(0.0, 1.0) * self.obj.clamp(0.0, 1.0)).sqrt())
    }

    fn face_box(&self, frame: &DetectorFrame) -> BoundingBox {
        let [x, y, width, height] = self.bbox.map(f64::from);
        let (centre_x, centre_y) = self.to_photo(x, y, frame);
        let (pixel_width, pixel_height) = frame.pixel_size();
        let width = width.exp() * self.stride as f64 * pixel_width;
        let height = height.exp() * self.stride as f64 * pixel_height;
        BoundingBox {
            x: (centre_x - width / 2.0) as f32,
            y: (centre_y - height / 2.0) as f32,
            width: width as f32,
            height: height as f32,
        }
    }

    /// Returns the landmarks, or `None` if a coordinate is not finite.
    fn landmarks(&self, frame: &DetectorFrame) -> Option<Landmarks> {
        let (pairs, _) = self.kps.as_chunks::<2>();
        let mut points = pairs.iter().map(|[x, y]| {
            let (x, y) = self.to_photo(f64::from(*x), f64::from(*y), frame);
            let point = Point {
                x: x as f32,
                y: y as f32,
            };
            (point.x.is_finite() && point.y.is_finite()).then_some(point)
        });
        let mut next = || points.next().flatten();
        Some(Landmarks {
            right_eye: next()?,
            left_eye: next()?,
            nose: next()?,
            mouth_right: next()?,
            mouth_left: next()?,
        })
    }

    /// Converts an offset from this cell in strides to a position in the photo.
    fn to_photo(&self, x: f64, y: f64, frame: &DetectorFrame) -> (f64, f64) {
        let (pixel_width, pixel_height) = frame.pixel_size();
        let stride = self.stride as f64;
        let (column, row) = self.position();
        (
            (column as f64 + x) * stride * pixel_width,
            (row as f64 + y) * stride * pixel_height,
        )
    }
}
