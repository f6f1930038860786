//! Downscales augmented images with the filter that the server uses.

use fast_image_resize::{
    FilterType, ResizeAlg, ResizeOptions, Resizer,
    images::{TypedImage, TypedImageRef},
    pixels::F32,
};

/// Downscales square images from `from` px to `to` px.
pub(super) fn images(pixels: &[f32], from: usize, to: usize) -> Vec<f32> {
    let mut resizer = Resizer::new();
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    let pixels: Vec<F32> = pixels.iter().map(|&value| F32::new(value)).collect();
    let mut small = TypedImage::<F32>::new(to as u32, to as u32);
    let mut out = Vec::with_capacity(pixels.len() / (from * from) * to * to);
    for image in pixels.chunks_exact(from * from) {
        let large = TypedImageRef::new(from as u32, from as u32, image)
            .expect("an image has from * from pixels");
        resizer
            .resize_typed(&large, &mut small, &options)
            .expect("both sides are at least 1 px");
        out.extend(small.pixels().iter().map(|pixel| pixel.0));
    }
    out
}

#[cfg(test)]
mod tests {
    use mien_faces::image::DecodedImage;

    use super::*;

    #[test]
    fn downscaled_image_matches_server() {
        let gray: Vec<u8> = (0..48 * 48).map(|i| (i * i % 251) as u8).collect();
        let float: Vec<f32> = gray.iter().map(|&p| f32::from(p)).collect();
        let served = DecodedImage::new(48, 48, gray).unwrap().to_face(24);
        let two = images(&[float.clone(), float].concat(), 48, 24);
        assert_eq!(two[..576], two[576..]);
        for (ours, served) in two.iter().zip(served.pixels()) {
            assert!(
                (ours - f32::from(*served)).abs() <= 1.0,
                "{ours} is not {served}"
            );
        }
    }
}
