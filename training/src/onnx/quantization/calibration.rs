//! Calibration: measures the ranges of activations on faces.

use std::fmt;

use mien_faces::image::Face;

use super::{
    FloatModel, QuantizationError, Range,
    histogram::{Extremes, Histogram},
};
use crate::onnx::session::{Runtime, observer::Observer};

/// Faces per inference call. All tensors of a batch are in memory at once.
const BATCH: usize = 16;

/// How a range is derived from the observed values (Wu et al. 2020, *Integer Quantization for Deep Learning
/// Inference*, section 3.4).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// From the smallest to the largest value.
    MinMax,
    /// Without the values outside of this percentile on either side, in percent.
    Percentile(f64),
}

impl Method {
    /// All methods that are tried.
    pub const ALL: [Self; 4] = [
        Self::MinMax,
        Self::Percentile(99.999),
        Self::Percentile(99.99),
        Self::Percentile(99.9),
    ];
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MinMax => f.write_str("min-max"),
            Self::Percentile(percent) => write!(f, "percentile {percent}"),
        }
    }
}

/// The distributions of a model's tensors on calibration faces.
#[derive(Debug)]
pub struct Calibration {
    /// One per tensor of [`FloatModel::tensors`].
    histograms: Vec<Histogram>,
}

impl Calibration {
    /// Runs the float model on faces twice: first for the extremes of each tensor, then for its histogram.
    ///
    /// # Errors
    /// Returns an error if ONNX Runtime fails or a value is not finite.
    pub fn measure(
        runtime: &Runtime,
        model: &FloatModel,
        faces: &[Face],
    ) -> Result<Self, QuantizationError> {
        let names: Vec<&str> = model.tensors().collect();
        let mut observer = Observer::open(runtime, &model.with_tensors_as_outputs())?;
        let mut extremes = vec![Extremes::default(); names.len()];
        let mut invalid = None;
        for faces in faces.chunks(BATCH) {
            observer.observe(faces, &names, |index, values| {
                if !extremes[index].add(values) {
                    invalid.get_or_insert(index);
                }
            })?;
        }
        if let Some(index) = invalid {
            return Err(QuantizationError::NotFinite(names[index].to_owned()));
        }
        let mut histograms: Vec<Histogram> = extremes.into_iter().map(Histogram::new).collect();
        for faces in faces.chunks(BATCH) {
            observer.observe(faces, &names, |index, values| {
                histograms[index].add(values);
            })?;
        }
        Ok(Self { histograms })
    }

    /// Returns the range of each tensor.
    pub fn ranges(&self, method: Method) -> Vec<Range> {
        let range = |histogram: &Histogram| match method {
            Method::MinMax => histogram.whole(),
            Method::Percentile(percent) => histogram.without_tails(1.0 - percent / 100.0),
        };
        self.histograms.iter().map(range).collect()
    }
}
