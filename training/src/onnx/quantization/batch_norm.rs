//! Writes batch normalisations as depthwise convolutions.
//!
//! The export folds a normalisation into the convolution before it where possible. The others, before a ReLU in networks
//! with pre-activations, have no INT8 kernel in ONNX Runtime. As a depthwise convolution of 1 x 1 pixel a normalisation has
//! one: each channel has one weight, which a scale per channel represents exactly.

use mien_onnx::{AttributeProto, GraphProto, NodeProto, TensorProto};

use super::{
    QuantizationError,
    constants::{find, floats, remove_unread},
};

/// The default `epsilon` of the operator in the ONNX specification.
const DEFAULT_EPSILON: f32 = 1e-5;

/// Replaces each batch normalisation with constant parameters by a depthwise convolution.
///
/// # Errors
/// Returns an error if the values of a parameter cannot be read.
pub(super) fn to_convolutions(graph: &mut GraphProto) -> Result<(), QuantizationError> {
    for index in 0..graph.node.len() {
        if graph.node[index].op_type != "BatchNormalization" {
            continue;
        }
        if let Some((node, constants)) = convolution(&graph.node[index], graph)? {
            graph.node[index] = node;
            graph.initializer.extend(constants);
        }
    }
    remove_unread(graph);
    Ok(())
}

/// Returns the convolution with its weights and bias, or `None` if a parameter is not a constant.
fn convolution(
    norm: &NodeProto,
    graph: &GraphProto,
) -> Result<Option<(NodeProto, [TensorProto; 2])>, QuantizationError> {
    let [input, parameters @ ..] = &norm.input[..] else {
        return Ok(None);
    };
    let found = parameters.iter().filter_map(|name| find(graph, name));
    let values = found.map(|constant| Ok(floats(constant)?.1));
    let values = values.collect::<Result<Vec<_>, QuantizationError>>()?;
    let [gamma, beta, mean, variance] = &values[..] else {
        return Ok(None);
    };
    let epsilon = norm.attribute.iter().find(|a| a.name == "epsilon");
    let epsilon = f64::from(epsilon.map_or(DEFAULT_EPSILON, |a| a.f));
    let channels = gamma.len();
    let (mut weights, mut bias) = (Vec::with_capacity(channels), Vec::with_capacity(channels));
    for (((gamma, beta), mean), variance) in gamma.iter().zip(beta).zip(mean).zip(variance) {
        let scale = f64::from(*gamma) / (f64::from(*variance) + epsilon).sqrt();
        weights.push(scale as f32);
        bias.push((f64::from(*beta) - f64::from(*mean) * scale) as f32);
    }
    let channels = channels as i64;
    let names = ["weight", "bias"].map(|part| format!("{}.{part}", norm.name));
    let [weight_name, bias_name] = names.clone();
    let constants = [
        TensorProto::floats(weight_name, vec![channels, 1, 1, 1], &weights),
        TensorProto::floats(bias_name, vec![channels], &bias),
    ];
    let node = NodeProto {
        input: std::iter::once(input.clone()).chain(names).collect(),
        op_type: "Conv".to_owned(),
        attribute: vec![
            AttributeProto::int("group", channels),
            AttributeProto::ints("kernel_shape", &[1, 1]),
        ],
        ..norm.clone()
    };
    Ok(Some((node, constants)))
}
