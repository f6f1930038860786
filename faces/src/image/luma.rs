//! Any colour type -> 8-bit gray, with Pillow's arithmetic.

use image::{DynamicImage, GrayImage, ImageBuffer, Pixel};

/// BT.601 luma of an RGB pixel, 0 to 255, exactly as Pillow's `convert("L")`: fixed point with 16
/// fractional bits, rounded to nearest.
pub(super) fn luma([r, g, b]: [u8; 3]) -> u8 {
    let sum = u32::from(r) * 19_595 + u32::from(g) * 38_470 + u32::from(b) * 7_471 + 0x8000;
    u8::try_from(sum >> 16).expect("the weights add up to 65536, so the sum is at most 255.5")
}

/// The high byte of a 16-bit sample, which is how Pillow reads 16-bit files as 8-bit ones.
fn high_byte(sample: u16) -> u8 {
    sample.to_be_bytes()[0]
}

/// The gray picture of any decoded one. Alpha is dropped, not blended.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enum is open; what is left is floating point"
)]
pub(super) fn to_gray(picture: DynamicImage) -> GrayImage {
    match picture {
        DynamicImage::ImageLuma8(gray) => gray,
        DynamicImage::ImageLumaA8(p) => map(&p, |p| p.0[0]),
        DynamicImage::ImageRgb8(p) => map(&p, |p| luma(p.0)),
        DynamicImage::ImageRgba8(p) => map(&p, |&image::Rgba([r, g, b, _])| luma([r, g, b])),
        DynamicImage::ImageLuma16(p) => map(&p, |p| high_byte(p.0[0])),
        DynamicImage::ImageLumaA16(p) => map(&p, |p| high_byte(p.0[0])),
        DynamicImage::ImageRgb16(p) => map(&p, |p| luma(p.0.map(high_byte))),
        DynamicImage::ImageRgba16(p) => map(&p, |&image::Rgba([r, g, b, _])| {
            luma([r, g, b].map(high_byte))
        }),
        // None of the accepted formats holds floating point.
        other => map(&other.to_rgb8(), |p| luma(p.0)),
    }
}

fn map<P: Pixel>(picture: &ImageBuffer<P, Vec<P::Subpixel>>, gray: impl Fn(&P) -> u8) -> GrayImage {
    let pixels = picture.pixels().map(gray).collect();
    GrayImage::from_raw(picture.width(), picture.height(), pixels)
        .expect("one gray level was made for each pixel")
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
