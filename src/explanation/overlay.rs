//! A map in colour over its face, as a PNG file.

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use mien_faces::image::Face;

use super::{Map, mix};

/// Rows and columns of the picture.
const SIDE: u32 = 480;
/// What speaks for the label, and what speaks against it: orange and blue differ for every kind of colour vision.
const FOR: [f32; 3] = [255.0, 122.0, 0.0];
const AGAINST: [f32; 3] = [0.0, 112.0, 255.0];
/// The strongest weight covers this much of the face.
const OPAQUE: f32 = 0.8;
/// The full colour stands for the map's largest weight, but for no smaller one than this: noise stays pale.
const LEAST: f32 = 0.05;

/// The face, enlarged to 480 x 480 pixels, in orange where it speaks for the label and in blue where it speaks against it.
pub fn overlay(face: &Face, map: &Map) -> Vec<u8> {
    let gray: Vec<f32> = face.pixels().iter().copied().map(f32::from).collect();
    let full = map.extent().max(LEAST);
    let mut pixels = Vec::with_capacity(SIDE as usize * SIDE as usize * 3);
    for row in 0..SIDE {
        for column in 0..SIDE {
            let place = [row, column].map(|at| (at as f32 + 0.5) / SIDE as f32);
            let gray = smooth(&gray, face.side(), place);
            let weight = smooth(map.weights(), map.side(), place) / full;
            pixels.extend(blend(gray, weight));
        }
    }
    let mut file = Vec::new();
    PngEncoder::new(&mut file)
        .write_image(&pixels, SIDE, SIDE, ExtendedColorType::Rgb8)
        .expect("there are three bytes a pixel, and memory takes every byte");
    file
}

/// A gray level under a weight of -1 to 1.
fn blend(gray: f32, weight: f32) -> [u8; 3] {
    let colour = if weight < 0.0 { AGAINST } else { FOR };
    let share = OPAQUE * weight.abs().min(1.0);
    colour.map(|channel| (gray + share * (channel - gray)).round() as u8)
}

/// The value at a place, each coordinate 0 to 1, between those of the four pixels around it.
fn smooth(values: &[f32], side: usize, place: [f32; 2]) -> f32 {
    let last = side - 1;
    let [(top, bottom, down), (left, right, across)] = place.map(|at| {
        let at = (at * side as f32 - 0.5).clamp(0.0, last as f32);
        let first = at as usize;
        (first, last.min(first + 1), at - first as f32)
    });
    let line = |row: usize| mix(values[row * side + left], values[row * side + right], across);
    mix(line(top), line(bottom), down)
}

#[cfg(test)]
mod tests {
    use mien_faces::image::{Limits, decode};

    use super::*;

    #[test]
    fn values_are_smooth_between_pixels_and_flat_beyond_them() {
        let values = [0.0, 10.0, 20.0, 30.0];
        assert_eq!(smooth(&values, 2, [0.25, 0.25]), 0.0);
        assert_eq!(smooth(&values, 2, [0.0, 1.0]), 10.0);
        assert_eq!(smooth(&values, 2, [0.5, 0.5]), 15.0);
        assert_eq!(smooth(&[7.0], 1, [0.9, 0.1]), 7.0);
    }

    #[test]
    fn no_weight_leaves_the_face_and_each_sign_has_its_colour() {
        assert_eq!(blend(90.0, 0.0), [90, 90, 90]);
        let [red, _, blue] = blend(90.0, 1.0);
        assert!(red > 200 && blue < 40);
        let [red, _, blue] = blend(90.0, -1.0);
        assert!(red < 40 && blue > 200);
    }

    #[test]
    fn a_weak_map_stays_pale() {
        let face = Face::new(2, vec![100; 4]).unwrap();
        let file = overlay(&face, &Map::new(2, vec![0.0001, 0.0, 0.0, 0.0]));
        let picture = decode(&file, &Limits::default()).unwrap();
        assert_eq!((picture.width(), picture.height()), (480, 480));
        assert!(picture.pixels().iter().all(|gray| (98..=102).contains(gray)));
    }
}
