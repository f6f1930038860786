//! Transformations that make images upright.

use image::metadata::Orientation;

use super::{Raster, pixel::Pixel};

/// Returns whether columns become rows.
pub(super) fn swaps_axes(orientation: Orientation) -> bool {
    match orientation {
        Orientation::Rotate90
        | Orientation::Rotate270
        | Orientation::Rotate90FlipH
        | Orientation::Rotate270FlipH => true,
        Orientation::NoTransforms
        | Orientation::Rotate180
        | Orientation::FlipHorizontal
        | Orientation::FlipVertical => false,
    }
}

/// Applies an orientation. At most two images exist at the same time.
pub(super) fn upright<P: Pixel>(image: Raster<P>, orientation: Orientation) -> Raster<P> {
    if orientation == Orientation::NoTransforms {
        return image;
    }
    let side = |side: usize| u32::try_from(side).expect("decoders return sizes of 32 bits");
    let (width, height) = (side(image.width), side(image.height));
    let image = P::image(width, height, cast(image.pixels));
    let mut image = image.expect("the image has width * height pixels");
    image.apply_orientation(orientation);
    let (width, height) = (image.width() as usize, image.height() as usize);
    let pixels = cast(image.into_bytes());
    Raster::new(width, height, pixels).expect("the number of pixels is the same")
}

/// Converts between pixels and bytes. A buffer whose capacity is not a multiple of the size of a pixel is copied.
fn cast<A: bytemuck::Pod, B: bytemuck::Pod>(values: Vec<A>) -> Vec<B> {
    bytemuck::try_cast_vec(values)
        .unwrap_or_else(|(_, values)| bytemuck::pod_collect_to_vec(&values))
}
