//! Random erasing: Zhong, Zheng, Kang, Li, Yang, "Random Erasing Data Augmentation" (2020), algorithm 1, with the paper's
//! settings for small images.

use std::ops::RangeInclusive;

use rand::{Rng, RngExt};

/// Share of the image's area that is erased.
const AREA: RangeInclusive<f64> = 0.02..=0.33;

/// Height of the rectangle divided by its width.
const ASPECT: RangeInclusive<f64> = 0.3..=3.3;

/// Maximum number of drawn rectangles. If none of them fits into the image, the image stays unchanged.
const ATTEMPTS: usize = 100;

/// Replaces a random rectangle of an image of `side` x `side` gray values by noise, uniform in 0..255.
pub(super) fn erase(side: usize, rng: &mut impl Rng, pixels: &mut [f32]) {
    let Some((height, width)) = (0..ATTEMPTS).find_map(|_| draw_size(side, rng)) else {
        return;
    };
    let top = rng.random_range(0..=side - height);
    let left = rng.random_range(0..=side - width);
    for row in pixels.chunks_exact_mut(side).skip(top).take(height) {
        for value in &mut row[left..left + width] {
            *value = rng.random_range(0.0..=255.0);
        }
    }
}

/// Draws a height and a width in pixels; `None` if the rectangle does not fit into the image.
fn draw_size(side: usize, rng: &mut impl Rng) -> Option<(usize, usize)> {
    let area = rng.random_range(AREA) * (side * side) as f64;
    let aspect: f64 = rng.random_range(ASPECT);
    let height = (area * aspect).sqrt().round() as usize;
    let width = (area / aspect).sqrt().round() as usize;
    (height < side && width < side).then_some((height, width))
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn erased_rectangle_has_published_area_and_aspect() {
        let side = 48;
        for seed in 0..500 {
            let mut pixels = vec![-1.0; side * side];
            erase(side, &mut StdRng::seed_from_u64(seed), &mut pixels);
            let erased: Vec<usize> = (0..pixels.len()).filter(|&i| pixels[i] >= 0.0).collect();
            let rows = erased[erased.len() - 1] / side - erased[0] / side + 1;
            let columns = erased.len() / rows;
            assert_eq!(
                rows * columns,
                erased.len(),
                "the erased pixels are a rectangle"
            );
            assert!(
                erased
                    .iter()
                    .all(|i| (i % side) - (erased[0] % side) < columns)
            );
            // Sides are rounded to whole pixels.
            let share = erased.len() as f64 / pixels.len() as f64;
            assert!((0.015..=0.35).contains(&share), "{share}");
            let aspect = rows as f64 / columns as f64;
            assert!((0.25..=3.8).contains(&aspect), "{aspect}");
            assert!(pixels.iter().all(|value| *value <= 255.0));
        }
    }
}
