//! A request for inference, as both doors make it.

use std::time::Duration;

use bytes::Bytes;

use super::Error;
use crate::intake::decoder::EncodedImage;

/// A request for inference.
#[derive(Debug, Default)]
pub struct InferRequest {
    /// The client's name for it, given back in the answer; empty where there is none.
    pub id: String,
    /// The tensors; a model here takes exactly one.
    pub inputs: Vec<InputTensor>,
    /// The outputs that are wanted, in this order; all where it is empty.
    pub outputs: Vec<RequestedOutput>,
    /// 0 and 1 are live traffic; what is above yields to it.
    pub priority: u64,
    /// No answer is wanted after it.
    pub timeout: Option<Duration>,
}

/// A tensor of a request.
#[derive(Debug)]
pub struct InputTensor {
    /// The input's name in the graph.
    pub name: String,
    /// `UINT8`, `FP32` or `BYTES`.
    pub datatype: String,
    /// Its dimensions, the batch first.
    pub shape: Vec<i64>,
    /// Its elements, row by row.
    pub data: TensorData,
}

/// The elements of a tensor in the form in which they came.
#[derive(Debug)]
pub enum TensorData {
    /// Little-endian, without gaps; an element of `BYTES` has its length, 4 bytes, before it.
    Raw(Bytes),
    /// Numbers of any type; single precision and bytes are held exactly.
    Numbers(Vec<f64>),
    /// Elements of `BYTES`.
    Pictures(Vec<EncodedImage>),
}

/// An output that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedOutput {
    /// Its name in the graph.
    pub name: String,
    /// The count of classes to give in place of the values; 0 gives the values.
    pub classification: u64,
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Parameter<'a> {
    /// An integer.
    Integer(i128),
    /// Anything else, in words: `a string`.
    Other(&'a str),
}

impl InferRequest {
    /// Takes a parameter of the whole request over. What is not known is for others and ignored.
    ///
    /// # Errors
    /// For a value out of range, and for what Triton keeps for itself (`triton_...`).
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
    /// Takes a parameter of an output over. What is not known is ignored.
    ///
    /// # Errors
    /// For a value out of range, and for shared memory.
    pub fn set(&mut self, name: &str, value: &Parameter<'_>) -> Result<(), Error> {
        if name == "classification" {
            self.classification = count(name, value)?;
        }
        refuse_shared_memory(name)
    }
}

/// Shared memory is not offered: a tensor whose data would be there has none.
///
/// # Errors
/// For `shared_memory_region` and its like.
pub fn refuse_shared_memory(name: &str) -> Result<(), Error> {
    if name.starts_with("shared_memory_") {
        return Err(Error::invalid("shared memory is not supported; send the data in the request"));
    }
    Ok(())
}

/// An integer parameter of 0 or more.
fn count(name: &str, value: &Parameter<'_>) -> Result<u64, Error> {
    let given = match value {
        Parameter::Integer(number) => match u64::try_from(*number) {
            Ok(number) => return Ok(number),
            Err(_) => number.to_string(),
        },
        Parameter::Other(words) => (*words).to_owned(),
    };
    Err(Error::invalid(format!("parameter `{name}`: expected an integer, 0 or more, not {given}")))
}
