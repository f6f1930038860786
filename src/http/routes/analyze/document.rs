//! The response of `/analyze`, with the fields of deepface.

use mien_faces::detection::{Detection, Point};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::{inference::Probabilities, models::registry::LiveModel};

/// The labels in the order of deepface.
const ORDER: [&str; 7] = [
    "angry", "disgust", "fear", "happy", "sad", "surprise", "neutral",
];

/// The faces of an image.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AnalyzedFaces<'a> {
    /// One entry per face, largest first.
    pub(super) results: Vec<AnalyzedFace<'a>>,
}

/// The expression of a face.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AnalyzedFace<'a> {
    /// Label -> probability of the expression in percent, 0 to 100. Angry, disgust, fear, happy, sad, surprise and neutral, in this
    /// order.
    #[serde(serialize_with = "map")]
    #[schema(value_type = BTreeMap<String, f64>, example = json!({"angry": 0.2, "happy": 99.1, "neutral": 0.7}))]
    emotion: Vec<(&'a str, f64)>,
    /// The most probable label.
    #[schema(example = "happy")]
    dominant_emotion: &'a str,
    /// Position of the face.
    region: Region,
    /// Score of the detector with two decimals, 0 to 1; 0 if the whole image is the face.
    #[schema(example = 0.93)]
    face_confidence: f64,
}

/// A rectangle in pixels of the image after its EXIF orientation. It does not extend beyond the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Region {
    /// Left edge.
    x: i64,
    /// Upper edge.
    y: i64,
    /// Width.
    w: i64,
    /// Height.
    h: i64,
    /// Position of the person's left eye; null if it is outside of the image, or if the whole image is the face.
    #[schema(example = json!([247, 102]))]
    left_eye: Option<[i64; 2]>,
    /// Position of the person's right eye; null if it is outside of the image, or if the whole image is the face.
    #[schema(example = json!([200, 101]))]
    right_eye: Option<[i64; 2]>,
}

impl<'a> AnalyzedFace<'a> {
    /// Creates a face with its prediction. `score` is that of the detector, 0 to 1.
    pub(super) fn new(
        region: Region,
        score: f32,
        model: &'a LiveModel,
        row: &Probabilities,
    ) -> Self {
        let labels = model.manifest.labels.names();
        let rank = |label: &str| {
            ORDER
                .iter()
                .position(|name| label.eq_ignore_ascii_case(name))
        };
        let mut classes: Vec<usize> = (0..labels.len()).collect();
        // Labels that deepface does not have follow in the order of the model.
        classes.sort_by_key(|&class| rank(&labels[class]).unwrap_or(ORDER.len()));
        let percent = |class: usize| 100.0 * f64::from(row.as_slice()[class]);
        let emotion = classes.into_iter();
        Self {
            emotion: emotion
                .map(|class| (labels[class].as_str(), percent(class)))
                .collect(),
            dominant_emotion: &labels[row.top().0],
            region,
            face_confidence: (100.0 * f64::from(score)).round() / 100.0,
        }
    }
}

impl Region {
    /// Returns the part of a face within an image of `width` x `height` pixels. Positions are truncated to whole pixels.
    pub(super) fn new(face: &Detection, width: usize, height: usize) -> Self {
        let face_box = &face.face_box;
        let (x, w) = clip(face_box.x, face_box.width, width);
        let (y, h) = clip(face_box.y, face_box.height, height);
        let eye = |Point { x, y }: Point| {
            let is_inside = (0.0..width as f32).contains(&x) && (0.0..height as f32).contains(&y);
            is_inside.then_some([x as i64, y as i64])
        };
        Self {
            x,
            y,
            w,
            h,
            left_eye: eye(face.landmarks.left_eye),
            right_eye: eye(face.landmarks.right_eye),
        }
    }

    /// Returns the whole image of `width` x `height` pixels. Like deepface it omits the last column and row.
    pub(super) fn whole(width: usize, height: usize) -> Self {
        let (x, w) = clip(0.0, f32::INFINITY, width);
        let (y, h) = clip(0.0, f32::INFINITY, height);
        Self {
            x,
            y,
            w,
            h,
            left_eye: None,
            right_eye: None,
        }
    }
}

/// Returns start and length of a side within an image of `limit` pixels, as deepface clips them.
fn clip(start: f32, length: f32, limit: usize) -> (i64, i64) {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let start = (start as i64).clamp(0, limit - 1);
    (start, (length as i64).min(limit - start - 1))
}

fn map<S: Serializer>(pairs: &[(&str, f64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clip_keeps_side_within_image() {
        assert_eq!(clip(10.9, 20.9, 100), (10, 20));
        assert_eq!(clip(-5.5, 20.0, 100), (0, 20));
        assert_eq!(clip(90.0, 20.0, 100), (90, 9));
        assert_eq!(clip(120.0, 20.0, 100), (99, 0));
    }

    #[test]
    fn whole_image_reports_null_eyes() {
        let region = serde_json::to_value(Region::whole(48, 64)).unwrap();
        let expected = serde_json::json!({
            "x": 0, "y": 0, "w": 47, "h": 63, "left_eye": null, "right_eye": null
        });
        assert_eq!(region, expected);
    }
}
