//! Resizing of images to faces; training and serving share it.

use fast_image_resize::FilterType;

use super::{
    DecodedImage, Face,
    resample::{resample, whole},
};

impl DecodedImage {
    /// Resizes the image to `side * side` with an anti-aliased triangle filter. The result differs from Pillow's
    /// `resize((side, side), BILINEAR)` by at most one gray level. An image that has this size already is not changed.
    ///
    /// # Panics
    /// Panics if `side` is 0 or above 65,535. The side comes from a model, which was checked when it was loaded.
    pub fn to_face(&self, side: usize) -> Face {
        assert_side(side);
        let pixels = resample(self, whole(self), side, side, FilterType::Bilinear);
        Face::new(side, pixels).expect("resizing returns the requested size")
    }
}

/// Panics if a model cannot have inputs of this side.
pub(super) fn assert_side(side: usize) {
    assert!(
        (1..=usize::from(u16::MAX)).contains(&side),
        "the side of a model is 1 to 65535, not {side}"
    );
}
