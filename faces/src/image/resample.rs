//! The anti-aliased resampling that all images of the crate go through.

use fast_image_resize::{
    CropBox, FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer, images::Image,
    images::ImageRef,
};

use super::DecodedImage;

/// Resizes the rectangle `area` of an image to `width * height` gray levels with an anti-aliased triangle filter. The filter also
/// reads pixels of the image that lie around the rectangle.
///
/// The filter allocates at most one gray level per column of the image and row of the result, and its coefficients.
///
/// # Panics
/// Panics if `area` is empty or extends beyond the image, or if a side of the result exceeds 32 bits.
pub(crate) fn resample(
    image: &DecodedImage,
    area: CropBox,
    width: usize,
    height: usize,
) -> Vec<u8> {
    let (columns, rows) = (to_u32(image.width()), to_u32(image.height()));
    let source = ImageRef::new(columns, rows, image.pixels(), PixelType::U8)
        .expect("an image has width * height bytes");
    let mut target = Image::new(to_u32(width), to_u32(height), PixelType::U8);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
        .crop(area.left, area.top, area.width, area.height);
    Resizer::new()
        .resize(&source, &mut target, &options)
        .expect("source and target have the same pixel type, and the area is within the image");
    target.into_vec()
}

/// Returns the rectangle that contains all pixels of an image.
pub(crate) fn whole(image: &DecodedImage) -> CropBox {
    CropBox {
        left: 0.0,
        top: 0.0,
        width: image.width() as f64,
        height: image.height() as f64,
    }
}

fn to_u32(side: usize) -> u32 {
    u32::try_from(side).expect("decoders return sizes of 32 bits")
}
