//! The rectangle of a face in a photo.

use serde::{Deserialize, Serialize};

/// Maximum ratio of a side of a box to the longer side of the photo.
const MAX_RATIO: f64 = 10.0;

/// A rectangle in pixels of a photo. It may extend beyond the photo.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BoundingBox {
    /// Left edge in pixels; 0 is the left edge of the photo.
    pub x: f32,
    /// Upper edge in pixels; 0 is the upper edge of the photo.
    pub y: f32,
    /// Width in pixels, at least 1.
    pub width: f32,
    /// Height in pixels, at least 1.
    pub height: f32,
}

impl BoundingBox {
    /// Checks that a face can be cropped from a photo of `width * height` pixels with this box. Clients can send any numbers.
    ///
    /// # Errors
    /// Returns an error if a number is not finite, if a side is less than 1 pixel or more than ten times the longer side of the
    /// photo, or if the box and the photo do not overlap.
    pub fn check(&self, width: usize, height: usize) -> Result<(), BoxError> {
        let face_box = *self;
        let (photo_width, photo_height) = (width as f64, height as f64);
        let [left, top, width_, height_] = self.numbers();
        if ![left, top, width_, height_].into_iter().all(f64::is_finite) {
            return Err(BoxError::NotFinite { face_box });
        }
        if width_.min(height_) < 1.0 {
            return Err(BoxError::TooSmall { face_box });
        }
        let max_side = photo_width.max(photo_height) * MAX_RATIO;
        if width_.max(height_) > max_side {
            return Err(BoxError::TooLarge { face_box, max_side });
        }
        let overlaps =
            left < photo_width && top < photo_height && left + width_ > 0.0 && top + height_ > 0.0;
        if !overlaps {
            return Err(BoxError::Outside {
                face_box,
                width,
                height,
            });
        }
        Ok(())
    }

    /// Returns the box in a photo that is `factor` times as large.
    pub fn scaled(self, factor: f32) -> Self {
        Self {
            x: self.x * factor,
            y: self.y * factor,
            width: self.width * factor,
            height: self.height * factor,
        }
    }

    /// Returns the centre in pixels from the left and from the top.
    pub fn centre(&self) -> (f32, f32) {
        (self.x + self.width / 2.0, self.y + self.height / 2.0)
    }

    /// Returns the geometric mean of width and height in pixels: the side of a square with the area of the box.
    pub fn size(&self) -> f32 {
        let [_, _, width, height] = self.numbers();
        (width * height).sqrt() as f32
    }

    /// Returns the area of the intersection divided by the area of the union, 0 to 1. Both boxes must have finite numbers and
    /// positive sides.
    pub fn intersection_over_union(&self, other: &Self) -> f64 {
        let [ax, ay, aw, ah] = self.numbers();
        let [bx, by, bw, bh] = other.numbers();
        let width = (ax + aw).min(bx + bw) - ax.max(bx);
        let height = (ay + ah).min(by + bh) - ay.max(by);
        let common = width.max(0.0) * height.max(0.0);
        common / (aw * ah + bw * bh - common)
    }

    /// Returns x, y, width and height. Sums and products of 32-bit numbers do not overflow 64 bits.
    pub(super) fn numbers(&self) -> [f64; 4] {
        [self.x, self.y, self.width, self.height].map(f64::from)
    }
}

impl std::fmt::Display for BoundingBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            x,
            y,
            width,
            height,
        } = self;
        write!(f, "x={x}, y={y}, width={width}, height={height}")
    }
}

/// A box cannot be used to crop a face.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BoxError {
    /// A number is NaN or infinite.
    #[error("the box {face_box} contains a number that is not finite; send pixels of the photo")]
    NotFinite {
        /// The box.
        face_box: BoundingBox,
    },
    /// A side is less than 1 pixel.
    #[error("the box {face_box} is too small; width and height must be at least 1 pixel")]
    TooSmall {
        /// The box.
        face_box: BoundingBox,
    },
    /// A side is much longer than the photo.
    #[error("the box {face_box} is too large; width and height must be at most {max_side} pixels")]
    TooLarge {
        /// The box.
        face_box: BoundingBox,
        /// Maximum side in pixels.
        max_side: f64,
    },
    /// The box and the photo do not overlap.
    #[error(
        "the box {face_box} is outside of the photo of {width}x{height} pixels; send pixels of the upright photo, counted from its top left corner"
    )]
    Outside {
        /// The box.
        face_box: BoundingBox,
        /// Columns of the photo.
        width: usize,
        /// Rows of the photo.
        height: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face_box(x: f32, y: f32, width: f32, height: f32) -> BoundingBox {
        BoundingBox {
            x,
            y,
            width,
            height,
        }
    }

    #[test]
    fn usable_box_passes_check() {
        for usable in [
            face_box(0.0, 0.0, 100.0, 50.0),
            face_box(-30.0, -10.0, 40.0, 20.0),
            face_box(99.5, 49.5, 1.0, 1.0),
            face_box(-400.0, -400.0, 1000.0, 1000.0),
        ] {
            assert_eq!(usable.check(100, 50), Ok(()), "{usable}");
        }
    }

    #[test]
    fn unusable_box_fails_check_with_its_reason() {
        let reason = |x, y, width, height| {
            let error = face_box(x, y, width, height).check(100, 50).unwrap_err();
            match error {
                BoxError::NotFinite { .. } => "not finite",
                BoxError::TooSmall { .. } => "too small",
                BoxError::TooLarge { .. } => "too large",
                BoxError::Outside { .. } => "outside",
            }
        };
        assert_eq!(reason(f32::NAN, 0.0, 10.0, 10.0), "not finite");
        assert_eq!(reason(0.0, 0.0, f32::INFINITY, 10.0), "not finite");
        assert_eq!(reason(0.0, 0.0, 0.0, 10.0), "too small");
        assert_eq!(reason(0.0, 0.0, 10.0, -10.0), "too small");
        assert_eq!(reason(0.0, 0.0, 1e-30, 10.0), "too small");
        assert_eq!(reason(0.0, 0.0, f32::MAX, f32::MAX), "too large");
        assert_eq!(reason(0.0, 0.0, 1001.0, 10.0), "too large");
        assert_eq!(reason(100.0, 0.0, 10.0, 10.0), "outside");
        assert_eq!(reason(0.0, -10.0, 10.0, 10.0), "outside");
        assert_eq!(reason(f32::MIN, f32::MIN, 10.0, 10.0), "outside");
    }

    #[test]
    fn overlap_is_share_of_union() {
        let a = face_box(0.0, 0.0, 10.0, 10.0);
        assert_eq!(a.intersection_over_union(&a), 1.0);
        // 5 * 10 of 150 pixels.
        let shifted = face_box(5.0, 0.0, 10.0, 10.0);
        assert_eq!(a.intersection_over_union(&shifted), 1.0 / 3.0);
        let apart = face_box(20.0, 20.0, 10.0, 10.0);
        assert_eq!(a.intersection_over_union(&apart), 0.0);
    }
}
