//! Parses the config of a Keras model, `model_config`: its layers and their operands.

use std::collections::HashMap;

use serde_json::Value;

use super::{error::KerasError, signature::Kind};
use crate::arch::catalog::INPUT_SIDE;

mod layer;

use layer::Lowered;

/// Input scaling of a Keras model. The input of its first operation is `(gray / 255 - mean) / std`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scaling {
    /// Mean, on `[0, 1]`.
    pub mean: f32,
    /// Standard deviation, on `[0, 1]`.
    pub std: f32,
    /// White in the model's input: 1, or 255 if a `Rescaling` layer expects gray values 0..255.
    pub white: f32,
}

impl Scaling {
    /// Images divided by 255.
    pub const UNIT: Self = Self {
        mean: 0.0,
        std: 1.0,
        white: 1.0,
    };

    /// Returns the scaling of a `Rescaling` layer, `x * scale + offset`. A scale below 0.1 implies gray values 0..255, a
    /// larger one 0..1.
    fn of_layer(scale: f64, offset: f64) -> Self {
        let white = if scale < 0.1 { 255.0 } else { 1.0 };
        let std = 1.0 / (white * scale);
        Self {
            mean: (-offset * std) as f32,
            std: std as f32,
            white: white as f32,
        }
    }
}

/// Output of a Keras model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// After softmax.
    Probabilities,
    /// Before softmax; the written file adds it.
    Logits,
}

/// An operation of the Keras model.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Name of the Keras layer.
    pub(super) layer: String,
    pub(super) kind: Kind,
    /// Indices of the operands, which are always earlier nodes.
    pub(super) inputs: Vec<usize>,
    /// Height and width of the output map, px; 0 for a vector.
    side: usize,
}

/// A Keras model as operations in execution order.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) nodes: Vec<Node>,
    /// Index of the node whose output are the logits.
    pub(super) logits: usize,
    pub(super) scaling: Scaling,
    pub(super) output: Output,
}

impl Model {
    pub(super) fn parse(json: &str) -> Result<Self, KerasError> {
        let config: Value =
            serde_json::from_str(json).map_err(|e| invalid_config(e.to_string()))?;
        let class = text(&config, "class_name").unwrap_or_default();
        let inner = &config["config"];
        let layers = inner["layers"]
            .as_array()
            .ok_or_else(|| invalid_config("`layers` is missing"))?;
        if !matches!(class, "Functional" | "Model") {
            return Err(invalid_config(format!(
                "the model is of the class `{class}`; only functional models are supported"
            )));
        }
        let mut model = Builder::default();
        model.add_all(layers)?;
        let [output] = &names(&inner["output_layers"])[..] else {
            return Err(invalid_config("the model must have exactly one output"));
        };
        let last = model.find(output)?;
        let scaling = model.scaling.unwrap_or(Scaling::UNIT);
        let (logits, output) = match (&model.nodes[last].kind, &model.nodes[last].inputs[..]) {
            (Kind::Softmax, &[operand]) => (operand, Output::Probabilities),
            _ => (last, Output::Logits),
        };
        Ok(Self {
            nodes: model.nodes,
            logits,
            scaling,
            output,
        })
    }
}

#[derive(Default)]
struct Builder {
    nodes: Vec<Node>,
    /// Index of the node with a layer's output, by layer name.
    results: HashMap<String, usize>,
    scaling: Option<Scaling>,
}

impl Builder {
    /// Adds the layers in execution order, independently of the order in the file.
    fn add_all(&mut self, layers: &[Value]) -> Result<(), KerasError> {
        let mut waiting = Vec::with_capacity(layers.len());
        for layer in layers {
            let name = text(layer, "name").or_else(|| text(&layer["config"], "name"));
            let name = name.ok_or_else(|| invalid_config("a layer has no name"))?;
            let calls = layer["inbound_nodes"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            if calls.len() > 1 {
                return Err(invalid_config(format!(
                    "layer `{name}` is called {} times; shared layers are not supported",
                    calls.len()
                )));
            }
            waiting.push((name, layer, calls.first().map(names).unwrap_or_default()));
        }
        while !waiting.is_empty() {
            let before = waiting.len();
            let mut rest = Vec::new();
            for (name, layer, reads) in waiting {
                let operands = reads.iter().map(|read| self.results.get(read).copied());
                match operands.collect::<Option<Vec<usize>>>() {
                    Some(operands) => self.add(name, layer, operands)?,
                    None => rest.push((name, layer, reads)),
                }
            }
            if rest.len() == before {
                let (name, _, reads) = &rest[0];
                return Err(invalid_config(format!(
                    "layer `{name}` reads {reads:?}, but some of these layers are missing or form a cycle"
                )));
            }
            waiting = rest;
        }
        Ok(())
    }

    fn add(&mut self, name: &str, layer: &Value, operands: Vec<usize>) -> Result<(), KerasError> {
        let sides: Vec<usize> = operands
            .iter()
            .map(|&operand| self.nodes[operand].side)
            .collect();
        let first = operands.first().copied();
        let reads_input = first.is_some_and(|operand| self.nodes[operand].kind == Kind::Input);
        let result = match (Lowered::read(layer, &sides)?, first) {
            (Lowered::Passed, Some(operand)) => operand,
            (Lowered::Rescaling { scale, offset }, Some(operand))
                if reads_input && self.scaling.is_none() && scale > 0.0 =>
            {
                self.scaling = Some(Scaling::of_layer(scale, offset));
                operand
            }
            (Lowered::Rescaling { .. }, _) => {
                let kind = Kind::Other("a Rescaling in the middle of the model".to_owned());
                self.push(name, kind, operands, 0)
            }
            (Lowered::Passed, None) => {
                return Err(invalid_config(format!(
                    "layer `{name}` does not have an operand"
                )));
            }
            (Lowered::Operations(kinds), _) => {
                let mut inputs = operands;
                for (kind, side) in kinds {
                    inputs = vec![self.push(name, kind, inputs, side)];
                }
                inputs.first().copied().ok_or_else(|| {
                    invalid_config(format!("layer `{name}` does not have an operation"))
                })?
            }
        };
        self.results.insert(name.to_owned(), result);
        Ok(())
    }

    fn push(&mut self, layer: &str, kind: Kind, inputs: Vec<usize>, side: usize) -> usize {
        self.nodes.push(Node {
            layer: layer.to_owned(),
            kind,
            inputs,
            side,
        });
        self.nodes.len() - 1
    }

    fn find(&self, layer: &str) -> Result<usize, KerasError> {
        let found = self.results.get(layer).copied();
        found.ok_or_else(|| invalid_config(format!("the output layer `{layer}` is missing")))
    }
}

fn invalid_config(what: impl Into<String>) -> KerasError {
    KerasError::Config(what.into())
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

/// Returns the layers that a call reads, in order. Keras 2 lists them as `["conv2d", 0, 0, {}]`, Keras 3 as tensors with a
/// `keras_history` of that form, at any depth.
fn names(call: &Value) -> Vec<String> {
    match call {
        Value::Array(items) => match &items[..] {
            [Value::String(name), Value::Number(_), ..] => vec![name.clone()],
            items => items.iter().flat_map(names).collect(),
        },
        Value::Object(fields) => match fields.get("keras_history") {
            Some(history) => names(history),
            None => fields.values().flat_map(names).collect(),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// Returns whether an input layer has the input shape of the catalogue's networks.
fn is_our_input(config: &Value) -> bool {
    let shape = config
        .get("batch_shape")
        .or_else(|| config.get("batch_input_shape"));
    let sizes: Option<Vec<u64>> = shape.and_then(Value::as_array).map(|sizes| {
        sizes
            .iter()
            .skip(1)
            .map(|size| size.as_u64().unwrap_or(0))
            .collect()
    });
    sizes.is_some_and(|sizes| sizes == [INPUT_SIDE as u64, INPUT_SIDE as u64, 1])
}
