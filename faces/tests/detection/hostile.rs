//! Arbitrary outputs and photos.

use mien_faces::{
    detection::{DetectionOptions, DetectorFrame, DetectorImage, LongSide},
    image::DecodedImage,
};
use proptest::prelude::*;

use crate::arrays::Arrays;

fn value() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => 0.0_f32..1.0,
        2 => -4.0_f32..4.0,
        1 => any::<f32>(),
        1 => Just(f32::NAN),
    ]
}

fn long_side() -> impl Strategy<Value = LongSide> {
    prop::sample::select(vec![LongSide::Px320, LongSide::Px640, LongSide::Px1280])
}

proptest! {
    #[test]
    fn arbitrary_outputs_give_valid_faces(
        (width, height) in (1_usize..200, 1_usize..200),
        values in prop::collection::vec(value(), 97),
        (min_score, min_size, max_faces) in (0.0_f32..1.0, 0.0_f32..50.0, 0_usize..40),
    ) {
        let mut arrays = Arrays::new(DetectorFrame::new(width, height, LongSide::Px320));
        let mut next = values.iter().copied().cycle();
        for grid in &mut arrays.grids {
            for array in [&mut grid.cls, &mut grid.obj, &mut grid.bbox, &mut grid.kps] {
                array.fill_with(|| next.next().unwrap());
            }
        }
        let options = DetectionOptions { min_score, min_size, max_faces };
        let faces = arrays.decode(&options).unwrap();
        prop_assert!(faces.len() <= max_faces);
        for (index, face) in faces.iter().enumerate() {
            prop_assert_eq!(face.face_box.check(width, height), Ok(()));
            prop_assert!((min_score..=1.0).contains(&face.score));
            prop_assert!(face.face_box.size() >= min_size);
            for smaller in &faces[index + 1..] {
                prop_assert!(smaller.face_box.size() <= face.face_box.size());
                let overlap = face.face_box.intersection_over_union(&smaller.face_box);
                prop_assert!(overlap <= 0.3);
            }
        }
    }

    #[test]
    fn input_of_any_photo_has_bounded_sides(
        (width, height) in (1_usize..2000, 1_usize..60),
        is_upright in any::<bool>(),
        side in long_side(),
    ) {
        let (width, height) = if is_upright { (height, width) } else { (width, height) };
        let photo = DecodedImage::new(width, height, vec![200; width * height]).unwrap();
        let input = DetectorImage::from_gray(&photo, side);
        prop_assert!(input == DetectorImage::new(&photo.to_color(), side));
        let frame = input.frame();
        prop_assert_eq!(input.pixels().len(), frame.width() * frame.height());
        prop_assert_eq!((frame.width() % 32, frame.height() % 32), (0, 0));
        prop_assert!(frame.width().max(frame.height()) <= side.pixels() as usize);
        prop_assert!(3 * input.pixels().len() as u64 <= DetectorImage::memory(width, height, side));
    }
}
