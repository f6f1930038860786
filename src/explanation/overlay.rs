//! Draws a saliency map over its face as a PNG file.

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use mien_faces::image::Face;

use super::{SaliencyMap, lerp};

/// Side of the image in pixels.
const SIDE: u32 = 480;
/// Colours of positive and negative weights. Orange and blue differ for every kind of colour vision.
const POSITIVE: [f32; 3] = [255.0, 122.0, 0.0];
const NEGATIVE: [f32; 3] = [0.0, 112.0, 255.0];
/// Opacity of the largest weight.
const MAX_OPACITY: f32 = 0.8;
/// Smallest weight that gets the full colour, so that noise stays pale.
const MIN_FULL_WEIGHT: f32 = 0.05;

/// Draws the face at 480 x 480 pixels, in orange for positive weights and in blue for negative ones.
pub fn overlay(face: &Face, map: &SaliencyMap) -> Vec<u8> {
    let gray: Vec<f32> = face.pixels().iter().copied().map(f32::from).collect();
    let full = map.max_abs().max(MIN_FULL_WEIGHT);
    let mut pixels = Vec::with_capacity(SIDE as usize * SIDE as usize * 3);
    for row in 0..SIDE {
        for column in 0..SIDE {
            let position = [row, column].map(|at| (at as f32 + 0.5) / SIDE as f32);
            let gray = bilinear_sample(&gray, face.side(), position);
            let weight = bilinear_sample(map.weights(), map.side(), position) / full;
            pixels.extend(blend(gray, weight));
        }
    }
    let mut file = Vec::new();
    PngEncoder::new(&mut file)
        .write_image(&pixels, SIDE, SIDE, ExtendedColorType::Rgb8)
        .expect("the buffer has three bytes per pixel, and writing to memory does not fail");
    file
}

/// Blends a gray level with the colour of a weight from -1 to 1.
fn blend(gray: f32, weight: f32) -> [u8; 3] {
    let colour = if weight < 0.0 { NEGATIVE } else { POSITIVE };
    let share = MAX_OPACITY * weight.abs().min(1.0);
    colour.map(|channel| (gray + share * (channel - gray)).round() as u8)
}

/// Interpolates the value at a position, whose coordinates are from 0 to 1, from the four surrounding pixels.
fn bilinear_sample(values: &[f32], side: usize, position: [f32; 2]) -> f32 {
    let last = side - 1;
    let [(top, bottom, down), (left, right, across)] = position.map(|at| {
        let at = (at * side as f32 - 0.5).clamp(0.0, last as f32);
        let first = at as usize;
        (first, last.min(first + 1), at - first as f32)
    });
    let line = |row: usize| {
        lerp(
            values[row * side + left],
            values[row * side + right],
            across,
        )
    };
    lerp(line(top), line(bottom), down)
}

#[cfg(test)]
mod tests {
    use mien_faces::image::{Limits, decode};

    use super::*;

    #[test]
    fn bilinear_sample_is_constant_beyond_border() {
        let values = [0.0, 10.0, 20.0, 30.0];
        assert_eq!(bilinear_sample(&values, 2, [0.25, 0.25]), 0.0);
        assert_eq!(bilinear_sample(&values, 2, [0.0, 1.0]), 10.0);
        assert_eq!(bilinear_sample(&values, 2, [0.5, 0.5]), 15.0);
        assert_eq!(bilinear_sample(&[7.0], 1, [0.9, 0.1]), 7.0);
    }

    #[test]
    fn weights_blend_by_sign() {
        assert_eq!(blend(90.0, 0.0), [90, 90, 90]);
        let [red, _, blue] = blend(90.0, 1.0);
        assert!(red > 200 && blue < 40);
        let [red, _, blue] = blend(90.0, -1.0);
        assert!(red < 40 && blue > 200);
    }

    #[test]
    fn weak_map_stays_pale() {
        let face = Face::new(2, vec![100; 4]).unwrap();
        let file = overlay(&face, &SaliencyMap::new(2, vec![0.0001, 0.0, 0.0, 0.0]));
        let image = decode(&file, &Limits::default()).unwrap();
        assert_eq!((image.width(), image.height()), (480, 480));
        assert!(image.pixels().iter().all(|gray| (98..=102).contains(gray)));
    }
}
