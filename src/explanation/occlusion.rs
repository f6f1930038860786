//! Occludes a face at evenly spaced positions.

use mien_faces::image::Face;

use super::{SaliencyMap, lerp};

/// Positions along each side. An explanation therefore needs at most 1 + 11 * 11 images for any input size.
const POSITIONS: usize = 11;
/// Side of the face divided by the side of the patch: 8 of 48 pixels cover an eye.
const PARTS: usize = 6;

/// The occlusions of a face: one square patch of the mean gray level at a time, at positions that overlap by half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occlusion {
    face: Face,
    patch: usize,
    /// First columns, and first rows, of the patches.
    starts: Vec<usize>,
    fill: u8,
}

impl Occlusion {
    /// Computes the positions for a face of any size.
    pub fn new(face: Face) -> Self {
        let side = face.side();
        let patch = side.div_ceil(PARTS);
        let last = side - patch;
        let steps = last.min(POSITIONS - 1);
        let starts = (0..=steps).map(|step| (step * last).checked_div(steps).unwrap_or(0));
        let starts = starts.collect();
        let fill = mean(face.pixels());
        Self {
            face,
            patch,
            starts,
            fill,
        }
    }

    /// The original face.
    pub fn face(&self) -> &Face {
        &self.face
    }

    /// Side of the patch in pixels, at least 1.
    pub fn patch(&self) -> usize {
        self.patch
    }

    /// Gray level of the patch: the mean of the face.
    pub fn fill(&self) -> u8 {
        self.fill
    }

    /// The number of positions of the patch, 1 to 121.
    pub fn positions(&self) -> usize {
        self.starts.len() * self.starts.len()
    }

    /// Returns the face occluded at a position below [`Self::positions`], counted row by row.
    pub fn occluded(&self, position: usize) -> Face {
        let side = self.face.side();
        let (top, left) = self.corner(position);
        let mut pixels = self.face.pixels().to_vec();
        for row in pixels.chunks_exact_mut(side).skip(top).take(self.patch) {
            row[left..left + self.patch].fill(self.fill);
        }
        Face::new(side, pixels).expect("an occluded face has the size of the face")
    }

    /// Computes the weight of each pixel: the decrease of the probability with a patch centred on the pixel, interpolated
    /// between positions and constant beyond the outermost ones. `whole` is the probability of the original face, `occluded`
    /// contains the probability at each position.
    pub fn map(&self, whole: f32, occluded: &[f32]) -> SaliencyMap {
        let side = self.face.side();
        let each = self.starts.len();
        let lost = |row: usize, column: usize| whole - occluded[row * each + column];
        let between: Vec<Between> = (0..side).map(|pixel| self.between(pixel)).collect();
        let weight = |row: &Between, column: &Between| {
            let line = |at: usize| {
                lerp(
                    lost(at, column.first),
                    lost(at, column.second),
                    column.share,
                )
            };
            lerp(line(row.first), line(row.second), row.share)
        };
        let rows = between.iter();
        let weights = rows.flat_map(|row| between.iter().map(move |column| weight(row, column)));
        SaliencyMap::new(side, weights.collect())
    }

    /// Finds the two positions along a side whose centres enclose a pixel.
    fn between(&self, pixel: usize) -> Between {
        // Centres are half a patch after the starts, so the same half is subtracted from the pixel.
        let at = pixel as f32 - (self.patch - 1) as f32 / 2.0;
        let second = self.starts.partition_point(|&start| (start as f32) < at);
        let last = self.starts.len() - 1;
        let (first, second) = (second.saturating_sub(1), second.min(last));
        let [from, to] = [first, second].map(|position| self.starts[position] as f32);
        let share = if to > from {
            ((at - from) / (to - from)).clamp(0.0, 1.0)
        } else {
            0.0
        };
        Between {
            first,
            second,
            share,
        }
    }

    /// Returns the top row and the left column of a position.
    fn corner(&self, position: usize) -> (usize, usize) {
        let each = self.starts.len();
        (self.starts[position / each], self.starts[position % each])
    }
}

/// Two positions along a side and the interpolation share of the second one, 0 to 1.
struct Between {
    first: usize,
    second: usize,
    share: f32,
}

/// Returns the rounded mean of gray levels.
fn mean(pixels: &[u8]) -> u8 {
    let sum: u64 = pixels.iter().copied().map(u64::from).sum();
    let count = u64::try_from(pixels.len().max(1)).unwrap_or(u64::MAX);
    u8::try_from((sum + count / 2) / count).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn face(side: usize) -> Face {
        let pixel = |index: usize| u8::try_from(index * 7 % 256).unwrap();
        Face::new(side, (0..side * side).map(pixel).collect()).unwrap()
    }

    #[test]
    fn face_of_48_pixels_has_patches_of_8_every_4() {
        let occlusion = Occlusion::new(face(48));
        assert_eq!((occlusion.patch(), occlusion.positions()), (8, 121));
        assert_eq!(occlusion.starts, [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40]);
        // The 13th position is the second row and second column.
        let (whole, occluded) = (face(48), occlusion.occluded(12));
        for (index, (a, b)) in whole.pixels().iter().zip(occluded.pixels()).enumerate() {
            let (row, column) = (index / 48, index % 48);
            let inside = (4..12).contains(&row) && (4..12).contains(&column);
            assert_eq!(
                *b,
                if inside { occlusion.fill() } else { *a },
                "{row} {column}"
            );
        }
    }

    #[test]
    fn fill_is_mean_gray() {
        let occlusion = Occlusion::new(Face::new(2, vec![0, 10, 20, 255]).unwrap());
        assert_eq!(occlusion.fill(), 71);
    }

    #[test]
    fn weights_interpolate_surrounding_positions() {
        let occlusion = Occlusion::new(face(48));
        let mut occluded = vec![0.5; occlusion.positions()];
        occluded[0] = 0.1;
        occluded[1] = 0.7;
        let map = occlusion.map(0.5, &occluded);
        // The first positions are centred on row 3.5 and the columns 3.5 and 7.5.
        assert_eq!(map.at(0, 0), 0.4);
        assert_eq!(map.at(3, 3), 0.4);
        assert!((map.at(0, 4) - (0.4 * 0.875 - 0.2 * 0.125)).abs() < 1e-6);
        assert!((map.at(4, 0) - 0.4 * 0.875).abs() < 1e-6);
        assert_eq!(map.at(47, 47), 0.0);
    }

    proptest! {
        #[test]
        fn occlusion_covers_every_pixel_at_bounded_cost(side in 1_usize..300) {
            let occlusion = Occlusion::new(face(side));
            prop_assert!((1..=POSITIONS * POSITIONS).contains(&occlusion.positions()));
            let lost = vec![0.25; occlusion.positions()];
            let map = occlusion.map(1.0, &lost);
            prop_assert!(map.weights().iter().all(|weight| *weight == 0.75));
        }
    }
}
