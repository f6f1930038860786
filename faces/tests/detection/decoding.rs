//! Positions and scores, computed by hand.

use mien_faces::detection::{DetectionOptions, DetectorFrame, LongSide};

use crate::arrays::Arrays;

fn assert_close(actual: &[f32], expected: &[f32]) {
    assert_eq!(actual.len(), expected.len());
    for (a, b) in actual.iter().zip(expected) {
        assert!((a - b).abs() < 1e-3, "{actual:?} instead of {expected:?}");
    }
}

#[test]
fn cell_decodes_to_box_and_landmarks_in_pixels_of_photo() {
    // One pixel of the input is 2 pixels of the photo.
    let mut arrays = Arrays::new(DetectorFrame::new(1280, 640, LongSide::Px640));
    arrays.put(16, (3, 2), 0.9, [0.5, 0.25, 2_f32.ln(), 3_f32.ln()]);
    let [face] = arrays.faces().try_into().unwrap();
    // Centre (3.5 * 16, 2.25 * 16) = (56, 36), size (32, 48); doubled in the photo.
    let b = face.face_box;
    assert_close(&[b.x, b.y, b.width, b.height], &[80.0, 24.0, 64.0, 96.0]);
    assert_close(&[face.score], &[0.9]);
    let points = face.landmarks;
    let named = [
        points.right_eye,
        points.left_eye,
        points.nose,
        points.mouth_right,
        points.mouth_left,
    ];
    for (index, point) in (0_u8..).zip(named) {
        let offset = f32::from(index);
        let expected = [(3.0 + offset) * 32.0, (2.0 + 2.0 * offset) * 32.0];
        assert_close(&[point.x, point.y], &expected);
    }
}

#[test]
fn each_stride_has_its_own_cell_size() {
    for stride in [8, 16, 32] {
        let mut arrays = Arrays::new(DetectorFrame::new(640, 480, LongSide::Px640));
        arrays.put(stride, (4, 3), 0.8, [0.5, 0.5, 1.0, 1.0]);
        let [face] = arrays.faces().try_into().unwrap();
        let (stride, side) = (stride as f32, 1_f32.exp() * stride as f32);
        let b = face.face_box;
        let expected = [
            4.5 * stride - side / 2.0,
            3.5 * stride - side / 2.0,
            side,
            side,
        ];
        assert_close(&[b.x, b.y, b.width, b.height], &expected);
    }
}

#[test]
fn axes_are_scaled_separately_when_rounding_changes_ratio() {
    // 1000 * 31 pixels are reduced to 320 * 10, so the factors are 3.125 and 3.1.
    let mut arrays = Arrays::new(DetectorFrame::new(1000, 31, LongSide::Px320));
    arrays.put(8, (10, 0), 0.9, [0.0, 0.5, 0.0, 0.0]);
    let [face] = arrays.faces().try_into().unwrap();
    let b = face.face_box;
    assert_close(&[b.x, b.y, b.width, b.height], &[237.5, 0.0, 25.0, 24.8]);
}

#[test]
fn score_is_geometric_mean_of_class_and_object() {
    let mut arrays = Arrays::new(DetectorFrame::new(640, 640, LongSide::Px640));
    arrays.put(32, (5, 5), 0.0, [0.5; 4]);
    let grid = &mut arrays.grids[2];
    let cell = 5 * 20 + 5;
    (grid.cls[cell], grid.obj[cell]) = (0.64, 1.0);
    assert_close(&[arrays.faces()[0].score], &[0.8]);
    // Outputs above 1 are limited to 1.
    arrays.grids[2].obj[cell] = 7.0;
    assert_close(&[arrays.faces()[0].score], &[0.8]);
}

#[test]
fn face_in_padding_is_ignored() {
    // The photo has 300 rows, the input has 320.
    let mut arrays = Arrays::new(DetectorFrame::new(640, 300, LongSide::Px640));
    arrays.put(8, (20, 39), 0.9, [0.5, 0.5, 0.5, 0.5]);
    assert_eq!(arrays.faces(), []);
}

#[test]
fn array_of_wrong_length_is_an_error_that_names_it() {
    let mut arrays = Arrays::new(DetectorFrame::new(640, 640, LongSide::Px640));
    arrays.grids[1].bbox.pop();
    let error = arrays.decode(&DetectionOptions::default()).unwrap_err();
    assert_eq!((error.output, error.stride), ("bbox", 16));
    assert_eq!((error.actual, error.expected), (6399, 6400));
    assert!(error.to_string().contains("bbox_16"), "{error}");
}

#[test]
fn detection_is_serialized_with_box_and_named_landmarks() {
    let mut arrays = Arrays::new(DetectorFrame::new(640, 640, LongSide::Px640));
    arrays.put(32, (5, 5), 1.0, [0.5, 0.5, 0.0, 0.0]);
    let json = serde_json::to_value(arrays.faces()[0]).unwrap();
    let expected = serde_json::json!({
        "box": {"x": 160.0, "y": 160.0, "width": 32.0, "height": 32.0},
        "score": 1.0,
        "landmarks": {
            "right_eye": {"x": 160.0, "y": 160.0},
            "left_eye": {"x": 192.0, "y": 224.0},
            "nose": {"x": 224.0, "y": 288.0},
            "mouth_right": {"x": 256.0, "y": 352.0},
            "mouth_left": {"x": 288.0, "y": 416.0},
        },
    });
    assert_eq!(json, expected);
}
