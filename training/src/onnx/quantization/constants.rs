//! The constants of a graph.

use std::collections::HashMap;

use mien_onnx::{GraphProto, TensorProto};

use super::QuantizationError;

/// Replaces each `Cast` of a float16 constant to float32 by its result, as ONNX Runtime does when it loads a file.
///
/// # Errors
/// Returns an error if the values of a constant cannot be read.
pub(super) fn fold_casts(graph: &mut GraphProto) -> Result<(), QuantizationError> {
    let mut positions: HashMap<String, usize> = graph
        .initializer
        .iter()
        .enumerate()
        .map(|(at, constant)| (constant.name.clone(), at))
        .collect();
    let mut nodes = Vec::with_capacity(graph.node.len());
    for node in std::mem::take(&mut graph.node) {
        let constant = match (&node.input[..], &node.output[..]) {
            ([input], [output]) if node.op_type == "Cast" => {
                positions.remove(input).map(|at| (at, output.clone()))
            }
            _ => None,
        };
        match constant {
            Some((at, name)) => {
                let (dims, values) = floats(&graph.initializer[at])?;
                graph.initializer[at] = TensorProto::floats(name, dims, &values);
            }
            None => nodes.push(node),
        }
    }
    graph.node = nodes;
    Ok(())
}

/// Returns the shape and the values of a constant.
///
/// # Errors
/// Returns an error if its values are not float32 or float16, or not in the file.
pub(super) fn floats(constant: &TensorProto) -> Result<(Vec<i64>, Vec<f32>), QuantizationError> {
    let values = constant.to_floats();
    let values = values.ok_or_else(|| QuantizationError::Constant(constant.name.clone()))?;
    Ok((constant.dims.clone(), values))
}

/// Returns the constant with a name.
pub(super) fn find<'a>(graph: &'a GraphProto, name: &str) -> Option<&'a TensorProto> {
    graph
        .initializer
        .iter()
        .find(|constant| constant.name == name)
}

/// Removes constants that no node reads.
pub(super) fn remove_unread(graph: &mut GraphProto) {
    let read: std::collections::HashSet<&String> =
        graph.node.iter().flat_map(|node| &node.input).collect();
    graph
        .initializer
        .retain(|constant| read.contains(&constant.name));
}
