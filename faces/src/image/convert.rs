//! Conversion of any colour type of the crate `image` to gray levels or colours.

use image::{DynamicImage, ImageBuffer};

use super::pixel::Pixel;

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
        DynamicImage::ImageRgb8(p) => P::from_rgb_bytes(p.into_raw()),
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
