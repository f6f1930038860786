//! Brightness, contrast and sharpness of faces.

use super::Face;

/// Statistics of the gray levels of a face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaceStatistics {
    /// Mean gray level, 0 black to 255 white.
    pub brightness: f32,
    /// Standard deviation of the gray levels, 0 to 127.5.
    pub contrast: f32,
    /// Variance of the Laplacian of the gray levels, 0 or more; low values indicate blur.
    pub sharpness: f32,
}

impl Face {
    /// Returns brightness, contrast and sharpness.
    pub fn statistics(&self) -> FaceStatistics {
        let (mut sum, mut squares) = (0_u64, 0_u64);
        for row in self.pixels.chunks_exact(self.side) {
            // Partial sums of 32 bits suffice for a row of at most 65,535 columns.
            let (mut row_sum, mut row_squares) = (0_u32, 0_u32);
            for level in row.iter().copied().map(u32::from) {
                row_sum += level;
                row_squares += level * level;
            }
            sum += u64::from(row_sum);
            squares += u64::from(row_squares);
        }
        let count = self.pixels.len() as f64;
        let (mean, square) = (sum as f64 / count, squares as f64 / count);
        FaceStatistics {
            brightness: mean as f32,
            contrast: (square - mean * mean).max(0.0).sqrt() as f32,
            sharpness: self.variance_of_laplacian() as f32,
        }
    }

    /// Returns the variance of the Laplacian with the kernel `[0 1 0; 1 -4 1; 0 1 0]` over all pixels that have four neighbours, or 0 if
    /// no pixel has four neighbours.
    ///
    /// J. L. Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy: a comparative study", ICPR 2000.
    fn variance_of_laplacian(&self) -> f64 {
        /// Maximum number of columns whose squares are summed in 32 bits.
        const COLUMNS: usize = 1024;

        let (side, last) = (self.side, self.side - 1);
        let (mut sum, mut squares) = (0_i64, 0_i64);
        for y in 1..last {
            let row = |y: usize| &self.pixels[y * side..(y + 1) * side];
            let (above, centre, below) = (row(y - 1), row(y), row(y + 1));
            for start in (1..last).step_by(COLUMNS) {
                let end = last.min(start + COLUMNS);
                let vertical = above[start..end].iter().zip(&below[start..end]);
                let horizontal = centre[start - 1..].iter().zip(&centre[start + 1..]);
                let levels = vertical.zip(horizontal).zip(&centre[start..end]);
                let (mut part_sum, mut part_squares) = (0_i32, 0_i32);
                for (((&up, &down), (&left, &right)), &level) in levels {
                    // Values of 16 bits let the compiler use vector instructions.
                    let neighbours = [up, down, left, right].map(i16::from);
                    let laplacian = neighbours.iter().sum::<i16>() - 4 * i16::from(level);
                    part_sum += i32::from(laplacian);
                    part_squares += i32::from(laplacian) * i32::from(laplacian);
                }
                sum += i64::from(part_sum);
                squares += i64::from(part_squares);
            }
        }
        let count = (side.saturating_sub(2) * side.saturating_sub(2)) as f64;
        if count == 0.0 {
            return 0.0;
        }
        let mean = sum as f64 / count;
        squares as f64 / count - mean * mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(side: usize, level: impl Fn(usize, usize) -> u8) -> Face {
        let places = (0..side).flat_map(|y| (0..side).map(move |x| (x, y)));
        let pixels = places.map(|(x, y)| level(x, y)).collect();
        Face::new(side, pixels).unwrap()
    }

    #[test]
    fn checkerboard_has_known_statistics() {
        // The Laplacian of a checkerboard of the levels 100 and 110 is 4 * 10 or -4 * 10.
        let board = face(48, |x, y| 100 + 10 * u8::from((x + y) % 2 == 0));
        let expected = FaceStatistics {
            brightness: 105.0,
            contrast: 5.0,
            sharpness: 1600.0,
        };
        assert_eq!(board.statistics(), expected);
    }

    #[test]
    fn wide_face_does_not_overflow() {
        // The Laplacian is 4 * 255 or -4 * 255 everywhere.
        let board = face(2200, |x, y| 255 * u8::from((x + y) % 2 == 0));
        assert_eq!(board.statistics().sharpness, 1020.0 * 1020.0);
    }

    #[test]
    fn face_without_inner_pixels_is_not_sharp() {
        for side in [1, 2] {
            let statistics = face(side, |x, _| 200 * u8::from(x == 0)).statistics();
            assert_eq!(statistics.sharpness, 0.0, "{side}");
        }
    }
}
