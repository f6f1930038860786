//! The pixels of the detector's input.

use crate::image::{
    DecodedImage,
    resample::{resample, whole},
};

use super::{DetectorFrame, LongSide};

/// The resized copy of a photo in which the detector looks for faces. Black pixels at the right and at the bottom pad the sides to
/// multiples of 32.
///
/// The network takes three channels from 0 to 255. For a gray photo, all three have the level of [`Self::pixels`]; the score of a face
/// hardly depends on colour (0.92 instead of 0.93 for a photo in gray).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetectorImage {
    frame: DetectorFrame,
    pixels: Vec<u8>,
}

impl DetectorImage {
    /// Resizes a photo with the filter of [`DecodedImage::to_face`].
    pub fn new(photo: &DecodedImage, long_side: LongSide) -> Self {
        let frame = DetectorFrame::new(photo.width(), photo.height(), long_side);
        let (width, height) = frame.scaled();
        let scaled = resample(photo, whole(photo), width, height);
        let mut pixels = vec![0; frame.width() * frame.height()];
        let rows = pixels.chunks_exact_mut(frame.width());
        for (row, levels) in rows.zip(scaled.chunks_exact(width)) {
            row[..width].copy_from_slice(levels);
        }
        Self { frame, pixels }
    }

    /// Returns an upper bound of the bytes that [`Self::new`] allocates for a photo of `width * height` pixels, without the
    /// coefficients of the filter, which take less than 2 MiB.
    pub fn memory(width: usize, height: usize, long_side: LongSide) -> u64 {
        let frame = DetectorFrame::new(width, height, long_side);
        let (scaled_width, scaled_height) = frame.scaled();
        let area = |width: usize, height: usize| (width as u64).saturating_mul(height as u64);
        let filtered_columns = area(width, scaled_height);
        let scaled = area(scaled_width, scaled_height);
        let padded = area(frame.width(), frame.height());
        filtered_columns
            .saturating_add(scaled)
            .saturating_add(padded)
    }

    /// Returns the sizes of the photo and of this copy.
    pub fn frame(&self) -> DetectorFrame {
        self.frame
    }

    /// Returns the gray levels of all pixels with padding, 0 black to 255 white, row by row from the top left.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photo_is_resized_and_padded_with_black() {
        let photo = DecodedImage::new(1280, 500, vec![90; 1280 * 500]).unwrap();
        let input = DetectorImage::new(&photo, LongSide::Px320);
        assert_eq!((input.frame().width(), input.frame().height()), (320, 128));
        let (scaled, padding) = input.pixels().split_at(320 * 125);
        assert!(scaled.iter().all(|level| *level == 90));
        assert_eq!(padding, [0; 320 * 3]);
    }

    #[test]
    fn padding_is_right_of_narrow_photo() {
        let photo = DecodedImage::new(500, 1000, vec![90; 500 * 1000]).unwrap();
        let input = DetectorImage::new(&photo, LongSide::Px1280);
        assert_eq!((input.frame().width(), input.frame().height()), (512, 1024));
        assert_eq!(input.pixels()[499..501], [90, 0]);
        assert_eq!(input.pixels()[999 * 512 + 499..], {
            let mut rest = vec![0; 13 + 24 * 512];
            rest[0] = 90;
            rest
        });
    }

    #[test]
    fn memory_is_sum_of_filtered_scaled_and_padded_pixels() {
        // 4000 columns of 480 rows, 640 * 480 pixels, and no padding.
        let expected = 4000 * 480 + 2 * 640 * 480;
        assert_eq!(DetectorImage::memory(4000, 3000, LongSide::Px640), expected);
        assert!(DetectorImage::memory(1, 1, LongSide::Px320) >= 32 * 32);
    }
}
