//! A model's answers -> the tensors of a response.

use std::time::Duration;

use super::{Error, request::RequestedOutput};
use crate::{
    batching::BatchResponse,
    inference::{
        Answer, Labels,
        signature::{Output, Signature},
    },
};

/// The answer to a request.
#[derive(Debug)]
pub struct InferResponse {
    /// The request's own.
    pub id: String,
    /// The model that answered.
    pub model: String,
    /// Its version.
    pub version: String,
    /// One tensor for each output that was asked for, in that order.
    pub outputs: Vec<OutputTensor>,
    /// What it took to make images of the tensor.
    pub preprocess: Duration,
    /// How long the image that waited longest was in the queue.
    pub queue: Duration,
    /// The longest of the runs that the images were in.
    pub inference: Duration,
}

/// A tensor of a response, of shape `[images, columns]`.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputTensor {
    /// The output's name in the graph.
    pub name: String,
    /// Images, and values for each.
    pub shape: [usize; 2],
    /// The elements, row by row.
    pub data: OutputData,
}

/// The elements of a response's tensor.
#[derive(Debug, Clone, PartialEq)]
pub enum OutputData {
    /// `FP32`: the graph's own values.
    Values(Vec<f32>),
    /// `BYTES`: `value:index:label`, highest value first.
    Classes(Vec<String>),
}

impl OutputData {
    /// The datatype's name.
    pub fn datatype(&self) -> &'static str {
        match self {
            Self::Values(_) => "FP32",
            Self::Classes(_) => "BYTES",
        }
    }

    /// The elements in little-endian bytes; strings with their lengths, 4 bytes, before them.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Values(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
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

/// What one tensor of a response is made of.
#[derive(Debug)]
pub(super) struct Column {
    name: String,
    /// Where its values start among those of all outputs of an image.
    start: usize,
    /// How many there are.
    count: usize,
    /// How many classes to give in place of the values; 0 gives the values.
    classes: usize,
}

/// Finds the outputs that a request asks for; all of them where it names none.
///
/// # Errors
/// For an output that the model does not have, and one that is named twice.
pub(super) fn select(
    wanted: &[RequestedOutput],
    signature: &Signature,
) -> Result<Vec<Column>, Error> {
    let column = |index: usize, classification: u64| {
        let Output { name, columns, .. } = &signature.outputs[index];
        let start = signature.outputs[..index].iter().map(|output| output.columns).sum();
        let classes = usize::try_from(classification).unwrap_or(usize::MAX).min(*columns);
        Column { name: name.clone(), start, count: *columns, classes }
    };
    if wanted.is_empty() {
        return Ok((0..signature.outputs.len()).map(|index| column(index, 0)).collect());
    }
    let find = |(at, output): (usize, &RequestedOutput)| {
        let RequestedOutput { name, classification } = output;
        if wanted[..at].iter().any(|earlier| earlier.name == *name) {
            return Err(Error::invalid(format!("output `{name}` is asked for twice")));
        }
        let index = signature.outputs.iter().position(|output| output.name == *name);
        let index = index.ok_or_else(|| {
            let names: Vec<&str> = signature.outputs.iter().map(|o| o.name.as_str()).collect();
            let names = names.join("`, `");
            Error::invalid(format!("the model has no output `{name}`; its outputs are `{names}`"))
        })?;
        Ok(column(index, *classification))
    };
    wanted.iter().enumerate().map(find).collect()
}

/// The tensors of a response.
pub(super) fn tensors(
    columns: Vec<Column>,
    answers: &BatchResponse,
    labels: &Labels,
) -> Vec<OutputTensor> {
    let tensor = |column: Column| {
        let rows = || answers.rows.iter().map(|row| column.values(row));
        let (width, data) = match column.classes {
            0 => (column.count, OutputData::Values(rows().flatten().copied().collect())),
            k => {
                // Another width than that of the labels is no classification over them.
                let labels = (column.count == labels.len()).then_some(labels);
                let classes = rows().flat_map(|values| highest(values, k, labels));
                (k, OutputData::Classes(classes.collect()))
            }
        };
        OutputTensor { name: column.name, shape: [answers.rows.len(), width], data }
    };
    columns.into_iter().map(tensor).collect()
}

impl Column {
    fn values<'a>(&self, answer: &'a Answer) -> &'a [f32] {
        &answer.outputs[self.start..self.start + self.count]
    }
}

/// The `k` highest values as `value:index:label`, the first of equals first.
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
