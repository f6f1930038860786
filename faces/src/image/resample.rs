//! The anti-aliased resampling that all images of the crate go through.

use fast_image_resize::{
    CropBox, FilterType, ResizeAlg, ResizeOptions, Resizer,
    images::{CroppedImageMut, Image, ImageRef},
};

use super::{Raster, pixel::Pixel};

/// Resizes the rectangle `area` of an image to `width * height` pixels. The filter is widened by the factor of a reduction. It also
/// reads pixels of the image that lie around the rectangle: one for [`FilterType::Bilinear`], three for [`FilterType::Lanczos3`].
///
/// The filter allocates at most one pixel per column of the image and row of the result, and its coefficients.
///
/// # Panics
/// Panics if `area` is empty or extends beyond the image, or if a side of the result exceeds 32 bits.
pub(crate) fn resample<P: Pixel>(
    image: &Raster<P>,
    area: CropBox,
    width: usize,
    height: usize,
    filter: FilterType,
) -> Vec<P> {
    padded(image, area, (width, height), (width, height), filter)
}

/// Resizes like [`resample`] to `size` (columns and rows), and pads the result with zeros at the right and at the bottom to
/// `padded_size`. The padded result is the only copy of the resized image.
///
/// # Panics
/// Panics if [`resample`] does, or if `padded_size` is smaller than `size`.
pub(crate) fn padded<P: Pixel>(
    image: &Raster<P>,
    area: CropBox,
    size: (usize, usize),
    padded_size: (usize, usize),
    filter: FilterType,
) -> Vec<P> {
    let mut pixels = vec![P::zeroed(); padded_size.0 * padded_size.1];
    let (columns, rows) = (to_u32(image.width()), to_u32(image.height()));
    let source = ImageRef::new(columns, rows, bytemuck::cast_slice(image.pixels()), P::TYPE)
        .expect("an image has width * height pixels");
    let (columns, rows) = (to_u32(padded_size.0), to_u32(padded_size.1));
    let bytes = bytemuck::cast_slice_mut(&mut pixels);
    let mut target = Image::from_slice_u8(columns, rows, bytes, P::TYPE)
        .expect("the target has width * height pixels");
    let mut target = CroppedImageMut::new(&mut target, 0, 0, to_u32(size.0), to_u32(size.1))
        .expect("the resized image is not larger than the padded one");
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(filter))
        .crop(area.left, area.top, area.width, area.height);
    Resizer::new()
        .resize(&source, &mut target, &options)
        .expect("source and target have the same pixel type, and the area is within the image");
    pixels
}

/// Returns the rectangle that contains all pixels of an image.
pub(crate) fn whole<P>(image: &Raster<P>) -> CropBox {
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
