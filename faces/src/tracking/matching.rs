//! Assigns the faces of a frame to tracks.

use std::time::Duration;

use super::{FrameFace, track::Track};
use crate::image::BoundingBox;

/// Share of the width and of the height by which boxes are enlarged at each side before they are compared, so that a face that moves by
/// more than its width between two frames still overlaps its previous box (Yang et al. 2023, "Hard to Track Objects with Irregular
/// Motions and Similar Appearances? Make It Easier by Buffering the Matching Space", section 3.2).
const BUFFER: f32 = 0.5;
/// Minimum intersection over union of the enlarged boxes. Boxes of equal size reach it up to a distance of 1.2 times their width.
const MIN_OVERLAP: f64 = 0.25;

/// Returns the index of the track of each face. The pairs of the largest overlap are assigned first (Bochinski et al. 2017, "High-Speed
/// Tracking-by-Detection Without Using Image Information", section 3).
pub(super) fn assign(
    tracks: &[Track],
    time: Duration,
    faces: &[FrameFace<'_>],
) -> Vec<Option<usize>> {
    let mut pairs = Vec::new();
    for (track_index, track) in tracks.iter().enumerate() {
        let last = enlarged(track.last_box());
        let predicted = enlarged(&track.predicted_box(time));
        for (face_index, face) in faces.iter().enumerate() {
            let current = enlarged(&face.face_box);
            let overlap = |other: &BoundingBox| other.intersection_over_union(&current);
            // A face can continue to move or stop.
            let overlap = overlap(&predicted).max(overlap(&last));
            if overlap >= MIN_OVERLAP {
                pairs.push((overlap, track_index, face_index));
            }
        }
    }
    // Equal overlaps keep the order of the tracks, so older tracks come first.
    pairs.sort_by(|(a, ..), (b, ..)| b.total_cmp(a));
    let mut assigned = vec![None; faces.len()];
    let mut is_taken = vec![false; tracks.len()];
    for (_, track, face) in pairs {
        if !is_taken[track] && assigned[face].is_none() {
            (is_taken[track], assigned[face]) = (true, Some(track));
        }
    }
    assigned
}

fn enlarged(face_box: &BoundingBox) -> BoundingBox {
    let (width, height) = (face_box.width * BUFFER, face_box.height * BUFFER);
    BoundingBox {
        x: face_box.x - width,
        y: face_box.y - height,
        width: face_box.width + 2.0 * width,
        height: face_box.height + 2.0 * height,
    }
}
