//! Converts predictions to the tensors of a response.

use std::time::Duration;

use super::{Error, request::RequestedOutput};
use crate::{
    batching::BatchResponse,
    excerpt::Excerpt,
    inference::{
        Labels, Prediction,
        signature::{Output, Signature},
    },
    models::ModelVersion,
};

/// The response to a request.
#[derive(Debug)]
pub struct InferResponse {
    /// Identifier of the request.
    pub id: String,
    /// Name of the model.
    pub model: String,
    /// Version of the model.
    pub version: ModelVersion,
    /// One tensor per requested output, in the requested order.
    pub outputs: Vec<OutputTensor>,
    /// Time of converting the input.
    pub preprocess: Duration,
    /// Longest time that an image was queued.
    pub queue: Duration,
    /// Longest inference call that an image was part of.
    pub inference: Duration,
}

/// A tensor of a response, of shape `[images, columns]`.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputTensor {
    /// Name of the output in the graph.
    pub name: String,
    /// Number of images and values per image.
    pub shape: [usize; 2],
    /// Elements, row by row.
    pub data: OutputData,
}

/// Elements of a tensor.
#[derive(Debug, Clone, PartialEq)]
pub enum OutputData {
    /// `FP32`: values of the graph.
    Values(Vec<f32>),
    /// `BYTES`: `value:index:label`, highest value first.
    Classes(Vec<String>),
}

impl OutputData {
    /// Returns the name of the datatype.
    pub fn datatype(&self) -> &'static str {
        match self {
            Self::Values(_) => "FP32",
            Self::Classes(_) => "BYTES",
        }
    }

    /// Returns the elements as little-endian bytes; strings have a length prefix of 4 bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Values(values) => values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
            Self::Classes(classes) => classes
                .iter()
                .flat_map(|class| {
                    let length = u32::try_from(class.len()).expect("a label is shorter than 4 GiB");
                    length.to_le_bytes().into_iter().chain(class.bytes())
                })
                .collect(),
        }
    }
}

/// Selects the values of one tensor of a response.
#[derive(Debug)]
pub(super) struct Column {
    name: String,
    /// Offset among the values of all outputs of an image.
    start: usize,
    /// Number of values.
    count: usize,
    /// Number of classes to return instead of the values; 0 returns the values.
    classes: usize,
}

/// Returns the requested outputs, by default all.
///
/// # Errors
/// Returns an error for an unknown or duplicate output.
pub(super) fn select(
    requested: &[RequestedOutput],
    signature: &Signature,
) -> Result<Vec<Column>, Error> {
    let column = |index: usize, classification: u64| {
        let Output { name, columns, .. } = &signature.outputs[index];
        let start = signature.outputs[..index]
            .iter()
            .map(|output| output.columns)
            .sum();
        let classes = usize::try_from(classification)
            .unwrap_or(usize::MAX)
            .min(*columns);
        Column {
            name: name.clone(),
            start,
            count: *columns,
            classes,
        }
    };
    if requested.is_empty() {
        return Ok((0..signature.outputs.len())
            .map(|index| column(index, 0))
            .collect());
    }
    let find = |(at, output): (usize, &RequestedOutput)| {
        let RequestedOutput {
            name,
            classification,
        } = output;
        if requested[..at].iter().any(|earlier| earlier.name == *name) {
            return Err(Error::invalid(format!(
                "output `{}` is requested twice",
                Excerpt(name)
            )));
        }
        let index = signature
            .outputs
            .iter()
            .position(|output| output.name == *name);
        let index = index.ok_or_else(|| {
            let names: Vec<&str> = signature.outputs.iter().map(|o| o.name.as_str()).collect();
            let names = names.join("`, `");
            Error::invalid(format!(
                "the model has no output `{}`; its outputs are `{names}`",
                Excerpt(name)
            ))
        })?;
        Ok(column(index, *classification))
    };
    requested.iter().enumerate().map(find).collect()
}

/// Creates the tensors of a response.
pub(super) fn tensors(
    columns: Vec<Column>,
    response: &BatchResponse,
    labels: &Labels,
) -> Vec<OutputTensor> {
    let tensor = |column: Column| {
        let rows = || response.rows.iter().map(|row| column.values(row));
        let (width, data) = match column.classes {
            0 => (
                column.count,
                OutputData::Values(rows().flatten().copied().collect()),
            ),
            k => {
                // An output of another width has no labels.
                let labels = (column.count == labels.len()).then_some(labels);
                let classes = rows().flat_map(|values| highest(values, k, labels));
                (k, OutputData::Classes(classes.collect()))
            }
        };
        OutputTensor {
            name: column.name,
            shape: [response.rows.len(), width],
            data,
        }
    };
    columns.into_iter().map(tensor).collect()
}

impl Column {
    fn values<'a>(&self, prediction: &'a Prediction) -> &'a [f32] {
        &prediction.outputs[self.start..self.start + self.count]
    }
}

/// Returns the `k` highest values as `value:index:label`; equal values are ordered by index.
fn highest(values: &[f32], k: usize, labels: Option<&Labels>) -> Vec<String> {
    let mut indices: Vec<usize> = (0..values.len()).collect();
    indices.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let text = |index: usize| {
        let label = labels.and_then(|labels| labels.get(index));
        let label = label.map(|label| format!(":{label}")).unwrap_or_default();
        format!("{:.6}:{index}{label}", values[index])
    };
    indices.into_iter().take(k).map(text).collect()
}
