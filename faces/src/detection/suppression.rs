//! Non-maximum suppression: one detection per face.

use super::Detection;

/// Maximum intersection over union of two faces.
const MAX_OVERLAP: f64 = 0.3;
/// Maximum number of candidates, as in OpenCV. The time of the suppression grows with its square.
const MAX_CANDIDATES: usize = 5000;

/// Returns the detections that do not overlap a detection of higher score, in descending order of score. Equal scores keep their
/// order. Only the 5,000 candidates of the highest scores are considered.
pub(super) fn suppress(mut candidates: Vec<Detection>) -> Vec<Detection> {
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    candidates.truncate(MAX_CANDIDATES);
    let mut faces: Vec<Detection> = Vec::new();
    for candidate in candidates {
        let overlaps = |face: &Detection| {
            let overlap = face.face_box.intersection_over_union(&candidate.face_box);
            overlap > MAX_OVERLAP
        };
        if !faces.iter().any(overlaps) {
            faces.push(candidate);
        }
    }
    faces
}

#[cfg(test)]
mod tests {
    use crate::{
        detection::{Landmarks, Point},
        image::BoundingBox,
    };

    use super::*;

    fn detection(x: f32, score: f32) -> Detection {
        let point = Point { x, y: 0.0 };
        Detection {
            face_box: BoundingBox {
                x,
                y: 0.0,
                width: 10.0,
                height: 10.0,
            },
            score,
            landmarks: Landmarks {
                right_eye: point,
                left_eye: point,
                nose: point,
                mouth_right: point,
                mouth_left: point,
            },
        }
    }

    #[test]
    fn candidates_beyond_the_first_5000_are_dropped() {
        let other = detection(500.0, 0.75);
        let same_place = |count| vec![detection(0.0, 0.9); count];
        let with_other = |count| [vec![other], same_place(count)].concat();
        assert_eq!(suppress(with_other(MAX_CANDIDATES - 1)).len(), 2);
        assert_eq!(suppress(with_other(MAX_CANDIDATES)).len(), 1);
    }

    #[test]
    fn equal_scores_keep_their_order() {
        let faces = suppress(vec![
            detection(4.0, 0.8),
            detection(0.0, 0.8),
            detection(50.0, 0.9),
        ]);
        assert_eq!(faces, [detection(50.0, 0.9), detection(4.0, 0.8)]);
    }
}
