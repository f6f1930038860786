//! A face, covered at places that are spread evenly over it.

use mien_faces::image::Face;

use super::{Map, mix};

/// Places along a side, so the most images of an explanation are 1 + 11 * 11, whatever the model's size.
const POSITIONS: usize = 11;
/// A patch's side is this part of the face's: 8 of 48 pixels, an eye.
const PARTS: usize = 6;

/// How a face is covered: one square patch of its mean gray at a time, at places that overlap by half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occlusion {
    face: Face,
    patch: usize,
    /// Where patches begin, in columns as in rows.
    starts: Vec<usize>,
    fill: u8,
}

impl Occlusion {
    /// The places for a face of any size.
    pub fn of(face: Face) -> Self {
        let side = face.side();
        let patch = side.div_ceil(PARTS);
        let last = side - patch;
        let steps = last.min(POSITIONS - 1);
        let starts = (0..=steps).map(|step| (step * last).checked_div(steps).unwrap_or(0));
        let starts = starts.collect();
        let fill = mean(face.pixels());
        Self { face, patch, starts, fill }
    }

    /// The face itself.
    pub fn face(&self) -> &Face {
        &self.face
    }

    /// Rows and columns of a patch, at least 1.
    pub fn patch(&self) -> usize {
        self.patch
    }

    /// What it is covered with: the face's mean gray.
    pub fn fill(&self) -> u8 {
        self.fill
    }

    /// The number of positions of the patch, 1 to 121.
    pub fn positions(&self) -> usize {
        self.starts.len() * self.starts.len()
    }

    /// The face covered at a position, which is below [`Self::positions`]; they go row by row.
    pub fn covered(&self, place: usize) -> Face {
        let side = self.face.side();
        let (top, left) = self.corner(place);
        let mut pixels = self.face.pixels().to_vec();
        for row in pixels.chunks_exact_mut(side).skip(top).take(self.patch) {
            row[left..left + self.patch].fill(self.fill);
        }
        Face::new(side, pixels).expect("a covered face has the size of the face")
    }

    /// What each pixel is worth: what was lost with a patch centred on it, interpolated between places and as the nearest one
    /// beyond the outermost. `whole` is the probability with nothing covered, `covered` holds that at each place.
    pub fn map(&self, whole: f32, covered: &[f32]) -> Map {
        let side = self.face.side();
        let each = self.starts.len();
        let lost = |row: usize, column: usize| whole - covered[row * each + column];
        let between: Vec<Between> = (0..side).map(|pixel| self.between(pixel)).collect();
        let weight = |row: &Between, column: &Between| {
            let line =
                |at: usize| mix(lost(at, column.first), lost(at, column.second), column.share);
            mix(line(row.first), line(row.second), row.share)
        };
        let rows = between.iter();
        let weights = rows.flat_map(|row| between.iter().map(move |column| weight(row, column)));
        Map::new(side, weights.collect())
    }

    /// The places along a side whose centres are around a pixel's.
    fn between(&self, pixel: usize) -> Between {
        // Centres lie half a patch further; the same half is taken off the pixel instead.
        let at = pixel as f32 - (self.patch - 1) as f32 / 2.0;
        let second = self.starts.partition_point(|&start| (start as f32) < at);
        let last = self.starts.len() - 1;
        let (first, second) = (second.saturating_sub(1), second.min(last));
        let [from, to] = [first, second].map(|place| self.starts[place] as f32);
        let share = if to > from { ((at - from) / (to - from)).clamp(0.0, 1.0) } else { 0.0 };
        Between { first, second, share }
    }

    /// The top row and the left column of a place.
    fn corner(&self, place: usize) -> (usize, usize) {
        let each = self.starts.len();
        (self.starts[place / each], self.starts[place % each])
    }
}

/// Two places along a side and how much nearer the second one is, 0 to 1.
struct Between {
    first: usize,
    second: usize,
    share: f32,
}

/// The mean of gray levels, rounded.
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
    fn a_face_of_48_pixels_has_patches_of_8_every_4() {
        let occlusion = Occlusion::of(face(48));
        assert_eq!((occlusion.patch(), occlusion.positions()), (8, 121));
        assert_eq!(occlusion.starts, [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40]);
        // The 13th place: second row, second column.
        let (whole, covered) = (face(48), occlusion.covered(12));
        for (index, (a, b)) in whole.pixels().iter().zip(covered.pixels()).enumerate() {
            let (row, column) = (index / 48, index % 48);
            let inside = (4..12).contains(&row) && (4..12).contains(&column);
            assert_eq!(*b, if inside { occlusion.fill() } else { *a }, "{row} {column}");
        }
    }

    #[test]
    fn the_fill_is_the_mean_gray() {
        let occlusion = Occlusion::of(Face::new(2, vec![0, 10, 20, 255]).unwrap());
        assert_eq!(occlusion.fill(), 71);
    }

    #[test]
    fn a_pixel_is_worth_what_is_lost_at_the_places_around_it() {
        let occlusion = Occlusion::of(face(48));
        let mut covered = vec![0.5; occlusion.positions()];
        covered[0] = 0.1;
        covered[1] = 0.7;
        let map = occlusion.map(0.5, &covered);
        // The first places are centred on row 3.5 and the columns 3.5 and 7.5.
        assert_eq!(map.at(0, 0), 0.4);
        assert_eq!(map.at(3, 3), 0.4);
        assert!((map.at(0, 4) - (0.4 * 0.875 - 0.2 * 0.125)).abs() < 1e-6);
        assert!((map.at(4, 0) - 0.4 * 0.875).abs() < 1e-6);
        assert_eq!(map.at(47, 47), 0.0);
    }

    proptest! {
        #[test]
        fn every_pixel_of_any_size_is_covered_and_the_cost_is_bounded(side in 1_usize..300) {
            let occlusion = Occlusion::of(face(side));
            prop_assert!((1..=POSITIONS * POSITIONS).contains(&occlusion.positions()));
            let lost = vec![0.25; occlusion.positions()];
            let map = occlusion.map(1.0, &lost);
            prop_assert!(map.weights().iter().all(|weight| *weight == 0.75));
        }
    }
}
