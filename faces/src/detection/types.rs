//! Detected faces.

use serde::{Deserialize, Serialize};

use crate::image::BoundingBox;

/// A face in a photo. All positions are in pixels of the photo.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Detection {
    /// The rectangle of the face. It may extend beyond the photo.
    #[serde(rename = "box")]
    pub face_box: BoundingBox,
    /// Confidence of the detector, 0 to 1.
    pub score: f32,
    /// Positions of eyes, nose and mouth.
    pub landmarks: Landmarks,
}

impl Detection {
    /// Returns the face in a photo that is `factor` times as large.
    pub fn scaled(self, factor: f32) -> Self {
        let point = |point: Point| Point {
            x: point.x * factor,
            y: point.y * factor,
        };
        let Landmarks {
            right_eye,
            left_eye,
            nose,
            mouth_right,
            mouth_left,
        } = self.landmarks;
        Self {
            face_box: self.face_box.scaled(factor),
            score: self.score,
            landmarks: Landmarks {
                right_eye: point(right_eye),
                left_eye: point(left_eye),
                nose: point(nose),
                mouth_right: point(mouth_right),
                mouth_left: point(mouth_left),
            },
        }
    }
}

/// Five points of a face. Right and left are those of the person: in an upright photo, the right eye is at the left.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Landmarks {
    /// Centre of the right eye.
    pub right_eye: Point,
    /// Centre of the left eye.
    pub left_eye: Point,
    /// Tip of the nose.
    pub nose: Point,
    /// Right corner of the mouth.
    pub mouth_right: Point,
    /// Left corner of the mouth.
    pub mouth_left: Point,
}

/// A position in a photo. It may be outside of the photo.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Point {
    /// Distance from the left edge of the photo in pixels.
    pub x: f32,
    /// Distance from the upper edge of the photo in pixels.
    pub y: f32,
}
