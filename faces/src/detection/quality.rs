//! How well a face in a photo can be seen.

use serde::{Deserialize, Serialize};

use crate::image::{BoundingBox, Face, FaceStatistics};

/// How well a face in a photo can be seen.
///
/// The blur of 500 training faces of FER2013 has the median 1,850, and 90 % of the values are between 600 and 4,300. After a Gaussian
/// blur with a standard deviation of one pixel, the median is 141 (60 to 300), and with two pixels 17 (7 to 35). Faces that are reduced
/// to 24 pixels and enlarged again have the median 87 (36 to 184).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Quality {
    /// Geometric mean of width and height of the box in pixels of the photo.
    pub size: f32,
    /// Variance of the Laplacian of the gray levels (0 to 255) of the face at 48x48 pixels; low values indicate blur.
    pub blur: f32,
    /// Mean gray level of the face at 48x48 pixels, 0 black to 255 white.
    pub brightness: f32,
}

impl Quality {
    /// Rows and columns of the crop in which blur and brightness are measured. They do not depend on the model, so that values are
    /// comparable.
    pub const SIDE: usize = 48;

    /// Measures the face in a box. `crop` is the crop of the box with [`Self::SIDE`] rows and columns, including its padding.
    pub fn measure(face_box: &BoundingBox, crop: &Face) -> Self {
        let FaceStatistics {
            brightness,
            contrast: _,
            sharpness,
        } = crop.statistics();
        Self {
            size: face_box.size(),
            blur: sharpness,
            brightness,
        }
    }

    /// Returns the quality of the face in a photo that is `factor` times as large.
    pub fn scaled(self, factor: f32) -> Self {
        Self {
            size: self.size * factor,
            ..self
        }
    }
}
