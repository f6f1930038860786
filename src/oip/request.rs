//! An inference request, independent of the transport.

use std::time::Duration;

use bytes::Bytes;

use super::Error;
use crate::intake::decoder::EncodedImage;

/// Maximum length of the identifier of a request in bytes. Responses repeat the identifier.
pub const MAX_ID: usize = 1024;

/// Maximum number of inputs of a request, and of requested outputs. Models have one input.
pub const MAX_TENSORS: usize = 64;

/// Maximum number of dimensions of a shape. Inputs of models have four.
pub const MAX_DIMENSIONS: usize = 32;

/// An inference request.
#[derive(Debug, Default)]
pub struct InferRequest {
    /// Identifier chosen by the client, returned in the response; empty by default. At most [`MAX_ID`] bytes.
    pub id: String,
    /// Input tensors; models need exactly one.
    pub inputs: Vec<InputTensor>,
    /// Requested outputs in order; all if empty.
    pub outputs: Vec<RequestedOutput>,
    /// 0 and 1 have live priority, higher values background priority.
    pub priority: u64,
    /// Timeout of the request.
    pub timeout: Option<Duration>,
}

/// An input tensor.
#[derive(Debug)]
pub struct InputTensor {
    /// Name of the input in the graph.
    pub name: String,
    /// `UINT8`, `FP32` or `BYTES`.
    pub datatype: String,
    /// Dimensions, the batch first.
    pub shape: Vec<i64>,
    /// Elements, row by row.
    pub data: TensorData,
}

/// Elements of a tensor as they were received.
#[derive(Debug, PartialEq)]
pub enum TensorData {
    /// Little-endian bytes without gaps; elements of `BYTES` have a length prefix of 4 bytes.
    Raw(Bytes),
    /// Numbers of any type; float32 and uint8 values are exact.
    Numbers(Vec<f64>),
    /// Elements of `BYTES`.
    EncodedImages(Vec<EncodedImage>),
    /// More numbers than a request may have. They are counted and not stored.
    ExcessNumbers(usize),
    /// More image files than a request may have. They are counted and not stored.
    ExcessImages(usize),
}

/// A requested output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedOutput {
    /// Name in the graph.
    pub name: String,
    /// Number of classes to return instead of the values; 0 returns the values.
    pub classification: u64,
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Parameter<'a> {
    /// An integer.
    Integer(i128),
    /// Another kind of value, with its description, for example `a string`.
    Other(&'a str),
}

impl InferRequest {
    /// Applies a parameter of the request. Unknown parameters are ignored.
    ///
    /// # Errors
    /// Returns an error for a value out of range, and for names that Triton reserves (`triton_...`).
    pub fn set(&mut self, name: &str, value: &Parameter<'_>) -> Result<(), Error> {
        match name {
            "priority" => self.priority = count(name, value)?,
            "timeout" => {
                let micros = count(name, value)?;
                self.timeout = (micros > 0).then(|| Duration::from_micros(micros));
            }
            _ => {}
        }
        Ok(())
    }
}

impl RequestedOutput {
    /// Applies a parameter of an output. Unknown parameters are ignored.
    ///
    /// # Errors
    /// Returns an error for a value out of range, and for shared memory.
    pub fn set(&mut self, name: &str, value: &Parameter<'_>) -> Result<(), Error> {
        if name == "classification" {
            self.classification = count(name, value)?;
        }
        reject_shared_memory(name)
    }
}

/// Rejects parameters of shared memory, which is not supported.
///
/// # Errors
/// Returns an error for `shared_memory_region` and related names.
pub fn reject_shared_memory(name: &str) -> Result<(), Error> {
    if name.starts_with("shared_memory_") {
        return Err(Error::invalid(
            "shared memory is not supported; send the data in the request",
        ));
    }
    Ok(())
}

/// Returns an integer parameter of at least 0.
fn count(name: &str, value: &Parameter<'_>) -> Result<u64, Error> {
    let given = match value {
        Parameter::Integer(number) => match u64::try_from(*number) {
            Ok(number) => return Ok(number),
            Err(_) => number.to_string(),
        },
        Parameter::Other(description) => (*description).to_owned(),
    };
    Err(Error::invalid(format!(
        "parameter `{name}`: expected an integer of at least 0, not {given}"
    )))
}
