//! Reference images with Keras' outputs, from a NumPy `.npz` file.

use std::{fs::File, io::BufReader, path::Path};

use mien_faces::{expression::Expression, image::Face};
use ndarray::{ArrayD, IxDyn, OwnedRepr};
use ndarray_npy::{NpzReader, ReadNpyError, ReadNpzError};

use super::error::ImportError;
use crate::{arch::catalog::INPUT_SIDE, keras::Scaling};

/// Pixels per image.
const PIXELS: usize = INPUT_SIDE * INPUT_SIDE;

/// Maximum distance of a gray level from a whole number. The rounding error of x/255 in float32 is smaller.
const LEVEL_TOLERANCE: f32 = 1e-3;

/// Input images of the Keras model, `[N,48,48,1]`, and its outputs, `[N,7]`.
#[derive(Debug)]
pub struct Reference {
    images: Vec<f32>,
    pub(super) outputs: Vec<f32>,
}

impl Reference {
    /// Reads the arrays `x` and `y` of a `.npz` file.
    ///
    /// # Errors
    /// Returns an error if an array is missing, is not a float array or has another shape.
    pub fn read(path: &Path) -> Result<Self, ImportError> {
        let invalid = |detail: String| ImportError::Reference {
            path: path.to_owned(),
            detail,
        };
        let file = File::open(path).map_err(|error| invalid(error.to_string()))?;
        let mut npz =
            NpzReader::new(BufReader::new(file)).map_err(|error| invalid(error.to_string()))?;
        let mut array =
            |name| floats(&mut npz, name).map_err(|e| invalid(format!("`{name}`: {e}")));
        let (x, y) = (array("x")?, array("y")?);
        let count = y.shape().first().copied().unwrap_or(0);
        if count == 0
            || x.shape() != [count, INPUT_SIDE, INPUT_SIDE, 1]
            || y.shape() != [count, Expression::COUNT]
        {
            return Err(invalid(format!(
                "x is {:?} and y is {:?}",
                x.shape(),
                y.shape()
            )));
        }
        Ok(Self {
            images: x.into_iter().collect(),
            outputs: y.into_iter().collect(),
        })
    }

    pub(super) fn count(&self) -> usize {
        self.outputs.len() / Expression::COUNT
    }

    /// Returns the images as gray values 0..255, which may be fractional.
    pub(super) fn grays(&self, scaling: Scaling) -> Vec<f32> {
        self.images
            .iter()
            .map(|x| x * 255.0 / scaling.white)
            .collect()
    }

    /// Returns the images as faces, or `None` if a value is not a whole gray level.
    pub(super) fn faces(&self, scaling: Scaling) -> Option<Vec<Face>> {
        let grays = self.grays(scaling);
        let is_level = |gray: &f32| {
            (gray - gray.round()).abs() < LEVEL_TOLERANCE && (-0.5..255.5).contains(gray)
        };
        if !grays.iter().all(is_level) {
            return None;
        }
        let level = |gray: &f32| gray.round() as u8;
        grays
            .chunks(PIXELS)
            .map(|face| Face::new(INPUT_SIDE, face.iter().map(level).collect()))
            .collect()
    }
}

/// Reads a float32 or float64 array.
fn floats(npz: &mut NpzReader<BufReader<File>>, name: &str) -> Result<ArrayD<f32>, ReadNpzError> {
    match npz.by_name::<OwnedRepr<f32>, IxDyn>(name) {
        Err(ReadNpzError::Npy(ReadNpyError::WrongDescriptor(_))) => {
            let wide: ArrayD<f64> = npz.by_name::<OwnedRepr<f64>, IxDyn>(name)?;
            Ok(wide.mapv(|value| value as f32))
        }
        other => other,
    }
}
