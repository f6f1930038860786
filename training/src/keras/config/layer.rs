//! Converts one Keras layer to operations.

use serde_json::Value;

use super::{invalid_config, is_our_input, text};
use crate::{
    arch::{catalog::INPUT_SIDE, op::Padding},
    keras::{error::KerasError, signature::Kind},
};

/// A Keras layer in terms of operations.
pub(super) enum Lowered {
    /// The identity in inference.
    Passed,
    /// `x * scale + offset`.
    Rescaling { scale: f64, offset: f64 },
    /// A sequence of operations, each with the height and width of its output map in px (0 for a vector).
    Operations(Vec<(Kind, usize)>),
}

impl Lowered {
    /// Reads a layer. `sides` are the heights and widths of its operands' maps in px.
    pub(super) fn read(layer: &Value, sides: &[usize]) -> Result<Self, KerasError> {
        let class =
            text(layer, "class_name").ok_or_else(|| invalid_config("a layer has no class_name"))?;
        let config = &layer["config"];
        let side = sides.first().copied().unwrap_or(0);
        let other = |why: &str| (Kind::Other(format!("a {class}{why}")), 0);
        let last_axis = |at: i64| axis(&config["axis"]).is_none_or(|axis| axis == -1 || axis == at);
        let operation = match class {
            "InputLayer" if is_our_input(config) => (Kind::Input, INPUT_SIDE),
            "InputLayer" => other(" of another shape than 48x48x1"),
            "Dropout"
            | "SpatialDropout2D"
            | "AlphaDropout"
            | "GaussianNoise"
            | "GaussianDropout"
            | "ActivityRegularization" => return Ok(Self::Passed),
            "Rescaling" => return rescaling(config),
            "Conv2D" => match convolution(config, side) {
                Some(conv) => return Ok(activated(conv, config)),
                None => other(" that is dilated, grouped, not square or channels-first"),
            },
            "BatchNormalization" => match config["epsilon"].as_f64() {
                Some(epsilon) if last_axis(3) && on(config, "center") && on(config, "scale") => {
                    (Kind::batch_norm(epsilon), side)
                }
                _ => other(" without scale, offset or channels last"),
            },
            "Activation" => {
                return Ok(activation(config).map_or_else(
                    || Self::Operations(vec![other(" of another function")]),
                    |kind| kind.map_or(Self::Passed, |kind| Self::Operations(vec![(kind, side)])),
                ));
            }
            "ReLU" if plain_relu(config) => (Kind::Relu, side),
            "Softmax" => (Kind::Softmax, 0),
            "AveragePooling2D" => {
                pool(config, side).unwrap_or_else(|| other(" of overlapping or padded windows"))
            }
            "GlobalAveragePooling2D" => {
                let mut kinds = vec![(Kind::AvgPool { kernel: side }, 1)];
                if config["keepdims"].as_bool() != Some(true) {
                    kinds.push((Kind::Flatten, 0));
                }
                return Ok(Self::Operations(kinds));
            }
            "Add" => (Kind::Add, side),
            "Concatenate" if last_axis(3) => (Kind::Concat, side),
            "Flatten" => (Kind::Flatten, 0),
            "Dense" => match size(&config["units"]) {
                Some(outputs) if on(config, "use_bias") => {
                    return Ok(activated((Kind::Dense { outputs }, 0), config));
                }
                _ => other(" without bias"),
            },
            _ => other(""),
        };
        Ok(Self::Operations(vec![operation]))
    }
}

fn rescaling(config: &Value) -> Result<Lowered, KerasError> {
    match (config["scale"].as_f64(), config["offset"].as_f64()) {
        (Some(scale), Some(offset)) => Ok(Lowered::Rescaling { scale, offset }),
        _ => Err(invalid_config(
            "a Rescaling layer must have one scale and one offset",
        )),
    }
}

/// Returns a layer followed by the activation in its config.
fn activated(operation: (Kind, usize), config: &Value) -> Lowered {
    let side = operation.1;
    let behind = match activation(config) {
        Some(kind) => kind,
        None => Some(Kind::Other(format!(
            "an activation {}",
            config["activation"]
        ))),
    };
    let behind = behind.map(|kind| (kind, side));
    Lowered::Operations(std::iter::once(operation).chain(behind).collect())
}

/// Returns the activation in a layer's config: `Some(None)` without an activation, `None` if it is unknown.
fn activation(config: &Value) -> Option<Option<Kind>> {
    match text(config, "activation") {
        Some("relu") => Some(Some(Kind::Relu)),
        Some("softmax") => Some(Some(Kind::Softmax)),
        Some("linear") => Some(None),
        None if config.get("activation").is_none_or(Value::is_null) => Some(None),
        Some(_) | None => None,
    }
}

fn plain_relu(config: &Value) -> bool {
    let zero = |key: &str| config[key].as_f64().is_none_or(|value| value == 0.0);
    config["max_value"].is_null() && zero("negative_slope") && zero("threshold")
}

fn convolution(config: &Value, side: usize) -> Option<(Kind, usize)> {
    let (kernel, stride) = (square(&config["kernel_size"])?, square(&config["strides"])?);
    let one = |key: &str| config.get(key).is_none_or(|value| square(value) == Some(1));
    let same = text(config, "padding")? == "same";
    if !channels_last(config) || !one("dilation_rate") || !one("groups") {
        return None;
    }
    let padding = if same { Padding::Same } else { Padding::Valid };
    let filters = size(&config["filters"])?;
    let out = padding.output(side.max(1), kernel, stride)?;
    Some((
        Kind::conv(filters, kernel, stride, same, on(config, "use_bias")),
        out,
    ))
}

fn pool(config: &Value, side: usize) -> Option<(Kind, usize)> {
    let kernel = square(&config["pool_size"])?;
    let stride = if config["strides"].is_null() {
        kernel
    } else {
        square(&config["strides"])?
    };
    let whole = text(config, "padding")? == "valid" || side.is_multiple_of(kernel);
    (stride == kernel && whole && channels_last(config))
        .then_some((Kind::AvgPool { kernel }, side / kernel))
}

fn channels_last(config: &Value) -> bool {
    text(config, "data_format").is_none_or(|format| format == "channels_last")
}

/// Returns whether a flag that is true by default is true.
fn on(config: &Value, key: &str) -> bool {
    config[key].as_bool() != Some(false)
}

/// Returns a size in 1..1,000,000.
fn size(value: &Value) -> Option<usize> {
    value
        .as_u64()
        .filter(|n| (1..1_000_000).contains(n))
        .map(|n| n as usize)
}

/// Returns a size that is written as `n`, `[n]` or `[n, n]`.
fn square(value: &Value) -> Option<usize> {
    match value.as_array().map(Vec::as_slice) {
        Some([height, width]) => size(height).filter(|&n| size(width) == Some(n)),
        Some([one]) => size(one),
        Some(_) => None,
        None => size(value),
    }
}

/// Returns an axis that is written as `axis` or `[axis]`.
fn axis(value: &Value) -> Option<i64> {
    match value.as_array().map(Vec::as_slice) {
        Some([axis]) => axis.as_i64(),
        Some(_) => None,
        None => value.as_i64(),
    }
}
