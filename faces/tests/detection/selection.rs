//! Thresholds, suppression and order.

use mien_faces::detection::{DetectionOptions, DetectorFrame, LongSide};

use crate::arrays::Arrays;

const CENTRE: [f32; 4] = [0.5, 0.5, 0.0, 0.0];

fn arrays() -> Arrays {
    Arrays::new(DetectorFrame::new(640, 640, LongSide::Px640))
}

#[test]
fn faces_below_minimum_score_are_ignored() {
    let mut arrays = arrays();
    arrays
        .put(32, (2, 2), 0.75, CENTRE)
        .put(32, (8, 8), 0.49, CENTRE)
        .put(32, (14, 14), 0.25, CENTRE);
    assert_eq!(arrays.faces().len(), 1);
    let lower = DetectionOptions {
        min_score: 0.48,
        ..DetectionOptions::default()
    };
    assert_eq!(arrays.decode(&lower).unwrap().len(), 2);
}

#[test]
fn faces_below_minimum_size_in_photo_are_ignored() {
    // One pixel of the input is 4 pixels of the photo, so the sides are 128 and 64 pixels.
    let mut arrays = Arrays::new(DetectorFrame::new(2560, 2560, LongSide::Px640));
    arrays
        .put(32, (2, 2), 0.9, CENTRE)
        .put(16, (20, 20), 0.9, CENTRE);
    for (min_size, found) in [(64.0, 2), (65.0, 1), (128.0, 1), (129.0, 0)] {
        let options = DetectionOptions {
            min_size,
            ..DetectionOptions::default()
        };
        assert_eq!(arrays.decode(&options).unwrap().len(), found, "{min_size}");
    }
}

#[test]
fn overlapping_face_of_lower_score_is_suppressed() {
    let mut arrays = arrays();
    // Boxes of 64 * 64 pixels, 32 pixels apart: their overlap is 1/3 of the union.
    let bbox = [0.5, 0.5, 2_f32.ln(), 2_f32.ln()];
    arrays.put(32, (5, 5), 0.8, bbox).put(32, (6, 5), 0.9, bbox);
    let [face] = arrays.faces().try_into().unwrap();
    assert_eq!((face.score, face.face_box.x), (0.9, 176.0));
}

#[test]
fn overlap_up_to_threshold_is_not_suppressed() {
    let mut arrays = arrays();
    // Shifted by 0.55 of the side: the overlap is 0.45 / 1.55 = 0.29.
    let bbox = [0.5, 0.5, 2_f32.ln(), 2_f32.ln()];
    arrays
        .put(32, (5, 5), 0.8, bbox)
        .put(32, (6, 5), 0.9, [0.6, 0.5, 2_f32.ln(), 2_f32.ln()]);
    assert_eq!(arrays.faces().len(), 2);
}

#[test]
fn suppressed_face_does_not_suppress_others() {
    let mut arrays = arrays();
    // The middle face overlaps both neighbours, which do not overlap each other.
    let bbox = [0.5, 0.5, 2_f32.ln(), 2_f32.ln()];
    arrays
        .put(32, (5, 5), 0.95, bbox)
        .put(32, (6, 5), 0.9, bbox)
        .put(32, (7, 5), 0.85, bbox);
    let scores: Vec<f32> = arrays.faces().iter().map(|face| face.score).collect();
    assert_eq!(scores, [0.95, 0.85]);
}

#[test]
fn faces_are_ordered_by_size_then_score_then_position() {
    let mut arrays = arrays();
    arrays
        .put(8, (60, 60), 0.99, [0.5, 0.5, 1.0, 1.0])
        .put(32, (2, 12), 0.8, CENTRE)
        .put(32, (12, 2), 0.8, CENTRE)
        // This cell comes first, but its box is right of the box of the cell (12, 2).
        .put(32, (2, 2), 0.8, [14.5, 0.5, 0.0, 0.0])
        .put(32, (12, 12), 0.9, CENTRE);
    let places = arrays.faces();
    let places: Vec<_> = places
        .iter()
        .map(|face| (face.face_box.x.round(), face.face_box.y.round()))
        .collect();
    let large = [(384.0, 384.0), (384.0, 64.0), (512.0, 64.0), (64.0, 384.0)];
    assert_eq!(places[..4], large);
    assert_eq!(places.len(), 5);
}

#[test]
fn maximum_number_of_faces_returns_largest() {
    let mut arrays = arrays();
    arrays
        .put(16, (5, 5), 0.99, CENTRE)
        .put(32, (10, 10), 0.8, CENTRE)
        .put(8, (70, 70), 0.9, [0.5, 0.5, 0.5, 0.5]);
    for max_faces in 0..4 {
        let options = DetectionOptions {
            max_faces,
            ..DetectionOptions::default()
        };
        let faces = arrays.decode(&options).unwrap();
        assert_eq!(faces.len(), max_faces);
        if let Some(face) = faces.first() {
            assert_eq!(face.face_box.width, 32.0);
        }
    }
}

#[test]
fn cell_with_value_that_is_not_finite_is_ignored() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut arrays = arrays();
        arrays.put(32, (15, 15), 0.9, CENTRE);
        for (column, index) in [(0, 0), (2, 1), (4, 2), (6, 3)] {
            let mut bbox = CENTRE;
            bbox[index] = value;
            arrays.put(32, (column, 2), 0.9, bbox);
        }
        for column in [0, 2, 4] {
            arrays.put(32, (column, 8), 0.9, CENTRE);
        }
        let grid = &mut arrays.grids[2];
        grid.cls[8 * 20] = value;
        grid.obj[8 * 20 + 2] = value;
        grid.kps[10 * (8 * 20 + 4) + 7] = value;
        let [face] = arrays.faces().try_into().unwrap();
        assert_eq!(face.face_box.x, 480.0, "{value}");
    }
}
