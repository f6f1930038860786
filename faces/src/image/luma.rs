//! Conversion of any colour type to 8-bit gray levels or colours with the arithmetic of Pillow.

use image::{DynamicImage, ImageBuffer};

use super::pixel::Pixel;

/// Returns the BT.601 luma of an RGB pixel, 0 to 255, equal to `convert("L")` of Pillow: fixed point with 16 fractional bits,
/// rounded to nearest.
pub(super) fn luma([r, g, b]: [u8; 3]) -> u8 {
    let sum = u32::from(r) * 19_595 + u32::from(g) * 38_470 + u32::from(b) * 7_471 + 0x8000;
    u8::try_from(sum >> 16).expect("the weights add up to 65536, so the sum is at most 255.5")
}

/// Returns the high byte of a 16-bit sample. Pillow converts 16-bit files to 8 bits in this way.
fn high_byte(sample: u16) -> u8 {
    sample.to_be_bytes()[0]
}

/// Converts the pixels of an image. Alpha is dropped, not blended.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enum is open; the other variants are floating point"
)]
pub(super) fn pixels<P: Pixel>(image: DynamicImage) -> Vec<P> {
    match image {
        DynamicImage::ImageLuma8(p) => map(&p, |p| P::from_gray(p.0[0])),
        DynamicImage::ImageLumaA8(p) => map(&p, |p| P::from_gray(p.0[0])),
        DynamicImage::ImageRgb8(p) => map(&p, |p| P::from_rgb(p.0)),
        DynamicImage::ImageRgba8(p) => map(&p, |&image::Rgba([r, g, b, _])| P::from_rgb([r, g, b])),
        DynamicImage::ImageLuma16(p) => map(&p, |p| P::from_gray(high_byte(p.0[0]))),
        DynamicImage::ImageLumaA16(p) => map(&p, |p| P::from_gray(high_byte(p.0[0]))),
        DynamicImage::ImageRgb16(p) => map(&p, |p| P::from_rgb(p.0.map(high_byte))),
        DynamicImage::ImageRgba16(p) => map(&p, |&image::Rgba([r, g, b, _])| {
            P::from_rgb([r, g, b].map(high_byte))
        }),
        // The accepted formats have no floating-point samples.
        other => map(&other.to_rgb8(), |p| P::from_rgb(p.0)),
    }
}

fn map<S: image::Pixel, P>(
    image: &ImageBuffer<S, Vec<S::Subpixel>>,
    pixel: impl Fn(&S) -> P,
) -> Vec<P> {
    image.pixels().map(pixel).collect()
}

#[cfg(test)]
mod tests {
    use super::luma;

    #[test]
    fn weights_are_bt601_rounded_to_nearest() {
        // Expected values: PIL.Image.new("RGB", (1, 1), rgb).convert("L").getpixel((0, 0)).
        for (rgb, gray) in [
            ([255, 0, 0], 76),
            ([0, 255, 0], 150),
            ([0, 0, 255], 29),
            ([255, 255, 255], 255),
            ([1, 0, 0], 0),
            ([0, 1, 0], 1),
            ([200, 100, 50], 124),
        ] {
            assert_eq!(luma(rgb), gray, "{rgb:?}");
        }
    }

    #[test]
    fn gray_stays_gray() {
        for level in 0..=255 {
            assert_eq!(luma([level; 3]), level);
        }
    }
}
