//! Converts arrays of Keras layers to the memory layout of the network's parameters.

use std::collections::HashMap;

use super::{
    Values,
    error::KerasError,
    file::{Array, Layer},
    matching::Pair,
};
use crate::arch::{
    graph::Graph,
    parameter::{self, Parameter, Role},
    shape::ShapeError,
};

impl Layer {
    /// Returns the shapes of the arrays.
    pub(super) fn shapes(&self) -> Shapes {
        self.arrays
            .iter()
            .map(|array| array.shape.clone())
            .collect()
    }
}

/// Shapes of a layer's arrays, in Keras' order.
type Shapes = Vec<Vec<usize>>;

/// Returns for each layer with weights its name and the shapes of its arrays in Keras.
pub(super) fn expected(graph: &Graph) -> Result<Vec<(String, Shapes)>, ShapeError> {
    let mut layers: Vec<(String, Shapes)> = Vec::new();
    for parameter in parameter::list(graph)? {
        if layers
            .last()
            .is_none_or(|(node, _)| node != parameter.node())
        {
            layers.push((parameter.node().to_owned(), Vec::new()));
        }
        if let Some((_, shapes)) = layers.last_mut() {
            shapes.push(keras_shape(&parameter));
        }
    }
    Ok(layers)
}

/// Collects the network's parameter values from the paired layers.
///
/// # Errors
/// Returns the first array that is missing, has another shape or contains an invalid value.
pub(super) fn collect(
    graph: &Graph,
    pairs: &[Pair],
    layers: &[Layer],
) -> Result<Values, KerasError> {
    let layers: HashMap<&str, &Layer> = layers
        .iter()
        .map(|layer| (layer.name.as_str(), layer))
        .collect();
    let holder: HashMap<&str, &str> = pairs
        .iter()
        .map(|pair| (pair.node.as_str(), pair.layer.as_str()))
        .collect();
    let mut values = Values::new();
    for parameter in parameter::list(graph)? {
        let name = holder.get(parameter.node()).copied().unwrap_or_default();
        let array = layers
            .get(name)
            .and_then(|layer| find(layer, parameter.role));
        let expected = keras_shape(&parameter);
        let array = array
            .filter(|array| array.shape == expected)
            .ok_or_else(|| KerasError::Layer {
                architecture: graph.name().to_owned(),
                layer: parameter.node().to_owned(),
                expected: format!("`{}` of shape {expected:?}", keras_name(parameter.role)),
                found: array.map_or_else(
                    || format!("none in `{name}`"),
                    |array| format!("{:?} in `{name}`", array.shape),
                ),
            })?;
        check(name, array, parameter.role)?;
        values.insert(parameter.name.clone(), transposed(&parameter, array));
    }
    Ok(values)
}

/// Returns the array of a role by its name, or by its index if arrays are only numbered.
fn find(layer: &Layer, role: Role) -> Option<&Array> {
    let numbered = layer
        .arrays
        .iter()
        .all(|array| array.name.parse::<usize>().is_ok());
    if numbered {
        return layer.arrays.get(match role {
            Role::ConvWeight | Role::LinearWeight | Role::Gamma => 0,
            Role::Bias | Role::Beta => 1,
            Role::Mean => 2,
            Role::Variance => 3,
        });
    }
    layer
        .arrays
        .iter()
        .find(|array| array.name == keras_name(role))
}

fn keras_name(role: Role) -> &'static str {
    match role {
        Role::ConvWeight | Role::LinearWeight => "kernel",
        Role::Bias => "bias",
        Role::Gamma => "gamma",
        Role::Beta => "beta",
        Role::Mean => "moving_mean",
        Role::Variance => "moving_variance",
    }
}

/// Returns the shape in Keras: `[k, k, channels, filters]` for kernels and `[inputs, outputs]` for dense weights.
fn keras_shape(parameter: &Parameter) -> Vec<usize> {
    match (parameter.role, &parameter.shape[..]) {
        (Role::ConvWeight, &[filters, channels, height, width]) => {
            vec![height, width, channels, filters]
        }
        (Role::LinearWeight, &[outputs, inputs]) => vec![inputs, outputs],
        (_, shape) => shape.to_vec(),
    }
}

/// Returns the values in the order of [`Parameter::shape`]. `array` has the parameter's Keras shape.
fn transposed(parameter: &Parameter, array: &Array) -> Vec<f32> {
    let (outputs, inputs) = match (parameter.role, &parameter.shape[..]) {
        (Role::ConvWeight, &[filters, channels, height, width]) => {
            let window = height * width;
            let at = |filter: usize, channel: usize, pixel: usize| {
                array.values[(pixel * channels + channel) * filters + filter]
            };
            let pixels = |filter, channel| (0..window).map(move |pixel| at(filter, channel, pixel));
            let kernel = |filter| (0..channels).flat_map(move |channel| pixels(filter, channel));
            return (0..filters).flat_map(kernel).collect();
        }
        (Role::LinearWeight, &[outputs, inputs]) => (outputs, inputs),
        _ => return array.values.clone(),
    };
    let row = |output| (0..inputs).map(move |input| array.values[input * outputs + output]);
    (0..outputs).flat_map(row).collect()
}

fn check(layer: &str, array: &Array, role: Role) -> Result<(), KerasError> {
    let any = |is: fn(f32) -> bool| array.values.iter().copied().any(is);
    let problem = if any(f32::is_nan) {
        "NaN"
    } else if any(f32::is_infinite) {
        "infinite values"
    } else if role == Role::Variance && any(|value| value < 0.0) {
        "a negative variance"
    } else {
        return Ok(());
    };
    Err(KerasError::Value {
        layer: layer.to_owned(),
        array: array.name.clone(),
        problem,
    })
}
