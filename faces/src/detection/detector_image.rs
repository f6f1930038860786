//! The pixels of the detector's input.

use fast_image_resize::FilterType;

use crate::image::{
    ColorImage, DecodedImage,
    resample::{padded, whole},
};

use super::{DetectorFrame, LongSide};

/// The resized copy of a photo in which the detector looks for faces. Black pixels at the right and at the bottom pad the sides to
/// multiples of 32.
///
/// The network takes three planes with levels from 0 to 255, in the order blue, green, red. It is less certain of small faces without
/// colours: a face of 18 pixels in a photo of 640x107 pixels has the score 0.82 in colour and 0.186 in gray.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetectorImage {
    frame: DetectorFrame,
    pixels: Vec<[u8; 3]>,
}

impl DetectorImage {
    /// Resizes a photo with the filter of [`DecodedImage::to_face`].
    pub fn new(photo: &ColorImage, long_side: LongSide) -> Self {
        let frame = DetectorFrame::new(photo.width(), photo.height(), long_side);
        let size = (frame.width(), frame.height());
        let pixels = padded(
            photo,
            whole(photo),
            frame.scaled(),
            size,
            FilterType::Bilinear,
        );
        Self { frame, pixels }
    }

    /// Resizes a photo whose colours are not known, for example because they would take too much memory. The result equals that of
    /// [`Self::new`] for a photo with equal red, green and blue.
    pub fn from_gray(photo: &DecodedImage, long_side: LongSide) -> Self {
        let frame = DetectorFrame::new(photo.width(), photo.height(), long_side);
        let size = (frame.width(), frame.height());
        let levels = padded(
            photo,
            whole(photo),
            frame.scaled(),
            size,
            FilterType::Bilinear,
        );
        let pixels = levels.into_iter().map(|level| [level; 3]).collect();
        Self { frame, pixels }
    }

    /// Returns an upper bound of the bytes that [`Self::new`] or [`Self::from_gray`] allocates for a photo of `width * height` pixels,
    /// without the coefficients of the filter, which take less than 2 MiB.
    pub fn memory(width: usize, height: usize, long_side: LongSide) -> u64 {
        let frame = DetectorFrame::new(width, height, long_side);
        let area = |width: usize, height: usize| (width as u64).saturating_mul(height as u64);
        let filtered_columns = area(width, frame.scaled().1);
        let padded = area(frame.width(), frame.height());
        // The gray levels of a gray photo are replicated when the filter has ended.
        let temporary = filtered_columns.saturating_mul(3).max(padded);
        padded.saturating_mul(3).saturating_add(temporary)
    }

    /// Returns the sizes of the photo and of this copy.
    pub fn frame(&self) -> DetectorFrame {
        self.frame
    }

    /// Writes the input of the network for this photo to `values`: the levels from 0 to 255 of all blue pixels, then of all green and all
    /// red ones, row by row.
    ///
    /// # Panics
    /// Panics if the number of values is not three times that of the pixels.
    pub fn write_planes(&self, values: &mut [f32]) {
        assert_eq!(
            values.len(),
            3 * self.pixels.len(),
            "three values per pixel"
        );
        let (blue, rest) = values.split_at_mut(self.pixels.len());
        let (green, red) = rest.split_at_mut(self.pixels.len());
        // The sides are multiples of 32, so no pixels are left over.
        let (pixels, _) = self.pixels.as_chunks();
        let (blue, green, red) = (
            blue.as_chunks_mut(),
            green.as_chunks_mut(),
            red.as_chunks_mut(),
        );
        let planes = blue.0.iter_mut().zip(green.0).zip(red.0);
        for (pixels, ((blue, green), red)) in pixels.iter().zip(planes) {
            write_lanes(pixels, blue, green, red);
        }
    }

    /// Returns red, green and blue (0 to 255) of all pixels with padding, row by row from the top left. The planes of the network are
    /// in the opposite order.
    pub fn pixels(&self) -> &[[u8; 3]] {
        &self.pixels
    }
}

/// Number of pixels that are converted at once.
const LANES: usize = 4;

/// Converts pixels to the values of three planes. The compiler vectorizes shifts of 32-bit integers, but not accesses to every third
/// byte.
fn write_lanes(
    pixels: &[[u8; 3]; LANES],
    blue: &mut [f32; LANES],
    green: &mut [f32; LANES],
    red: &mut [f32; LANES],
) {
    let packed = pixels.map(|[r, g, b]| i32::from_le_bytes([r, g, b, 0]));
    *red = packed.map(|pixel| (pixel & 255) as f32);
    *green = packed.map(|pixel| ((pixel >> 8) & 255) as f32);
    *blue = packed.map(|pixel| (pixel >> 16) as f32);
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLOR: [u8; 3] = [200, 90, 10];

    fn photo(width: usize, height: usize) -> ColorImage {
        ColorImage::new(width, height, vec![COLOR; width * height]).unwrap()
    }

    #[test]
    fn photo_is_resized_and_padded_with_black() {
        let input = DetectorImage::new(&photo(1280, 500), LongSide::Px320);
        assert_eq!((input.frame().width(), input.frame().height()), (320, 128));
        let (scaled, padding) = input.pixels().split_at(320 * 125);
        assert!(scaled.iter().all(|pixel| *pixel == COLOR));
        assert_eq!(padding, [[0; 3]; 320 * 3]);
    }

    #[test]
    fn padding_is_right_of_narrow_photo() {
        let input = DetectorImage::new(&photo(500, 1000), LongSide::Px1280);
        assert_eq!((input.frame().width(), input.frame().height()), (512, 1024));
        assert_eq!(input.pixels()[499..501], [COLOR, [0; 3]]);
        assert_eq!(input.pixels()[999 * 512 + 499..], {
            let mut rest = vec![[0; 3]; 13 + 24 * 512];
            rest[0] = COLOR;
            rest
        });
    }

    #[test]
    fn planes_are_blue_green_and_red() {
        let level = |place: usize, modulus: usize| u8::try_from(place % modulus).unwrap();
        let pixel = |place| [251, 256, 241].map(|modulus| level(place, modulus));
        let photo = ColorImage::new(320, 125, (0..320 * 125).map(pixel).collect()).unwrap();
        let input = DetectorImage::new(&photo, LongSide::Px320);
        let mut values = vec![0.5; 3 * 320 * 128];
        input.write_planes(&mut values);
        for (plane, channel) in values.chunks(320 * 128).zip([2, 1, 0]) {
            let levels = input.pixels().iter().map(|pixel| f32::from(pixel[channel]));
            assert!(levels.eq(plane.iter().copied()), "channel {channel}");
        }
    }

    #[test]
    fn gray_photo_equals_photo_with_equal_channels() {
        for (width, height, side) in [
            (700, 301, LongSide::Px320),
            (640, 427, LongSide::Px640),
            (50, 70, LongSide::Px1280),
        ] {
            let level = |place: usize| u8::try_from(place * place % 251).unwrap();
            let levels = (0..width * height).map(level).collect();
            let gray = DecodedImage::new(width, height, levels).unwrap();
            let input = DetectorImage::from_gray(&gray, side);
            assert!(input == DetectorImage::new(&gray.to_color(), side));
        }
    }

    #[test]
    fn memory_is_sum_of_filtered_and_padded_pixels() {
        // 4000 columns of 480 rows, and 640 * 480 pixels.
        let expected = 3 * (4000 * 480 + 640 * 480);
        assert_eq!(DetectorImage::memory(4000, 3000, LongSide::Px640), expected);
        // A copy of 32 * 32 pixels in gray and in colour.
        assert_eq!(DetectorImage::memory(1, 1, LongSide::Px320), 4 * 32 * 32);
    }
}
