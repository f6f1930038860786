//! Makes the axes of `ReduceLogSumExp` an input instead of an attribute, as in operator set 18.
//!
//! OpenVINO 2026.4 ignores the attribute and reduces all axes.

use std::mem;

use prost::Message;

use crate::proto::{GraphProto, ModelProto, NodeProto, TensorProto};

/// The operator.
const OPERATOR: &str = "ReduceLogSumExp";
/// The operator sets that are converted.
const OLD: std::ops::RangeInclusive<i64> = 13..=17;
/// The operator set in which its axes are an input.
const NEW: i64 = 18;
/// Operators whose attributes differ between the operator sets, or that contain graphs.
const OTHERS: [&str; 13] = [
    "If",
    "Loop",
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceProd",
    "ReduceSumSquare",
    "Scan",
    "SequenceMap",
    "Split",
];

/// Converts a model file to operator set 18. Returns `None` if the file does not contain `ReduceLogSumExp`, or if it contains
/// something that this conversion does not support.
pub fn with_reduction_axes_as_input(model: &[u8]) -> Option<Vec<u8>> {
    let mut model = ModelProto::decode(model).ok()?;
    let [opset] = model.opset_import.as_mut_slice() else {
        return None;
    };
    if !OLD.contains(&opset.version) {
        return None;
    }
    opset.version = NEW;
    let graph = model.graph.as_mut()?;
    let is_supported = graph.initializer.iter().all(has_values)
        && !graph
            .node
            .iter()
            .any(|node| OTHERS.contains(&node.op_type.as_str()));
    (is_supported && convert(graph)).then(|| model.encode_to_vec())
}

/// Returns whether the values of a tensor are in the file, in a field that [`TensorProto`] contains.
fn has_values(tensor: &TensorProto) -> bool {
    let is_empty =
        tensor.raw_data.is_empty() && tensor.float_data.is_empty() && tensor.int64_data.is_empty();
    !is_empty || tensor.dims.contains(&0)
}

/// Converts the nodes of a graph and returns whether there are any.
fn convert(graph: &mut GraphProto) -> bool {
    let GraphProto {
        node, initializer, ..
    } = graph;
    let mut converted = false;
    for node in node.iter_mut().filter(|node| node.op_type == OPERATOR) {
        converted = true;
        if let Some(axes) = take_axes(node) {
            let name = format!("mien.axes.{}", node.output.join("."));
            initializer.push(TensorProto::integers(name.clone(), &axes));
            node.input.push(name);
        }
    }
    converted
}

fn take_axes(node: &mut NodeProto) -> Option<Vec<i64>> {
    let index = node.attribute.iter().position(|a| a.name == "axes")?;
    Some(mem::take(&mut node.attribute.remove(index).ints))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{AttributeProto, OperatorSetIdProto};

    fn model(version: i64, operators: &[&str]) -> ModelProto {
        let node = |operator: &&str| NodeProto {
            input: vec!["x".to_owned()],
            output: vec!["y".to_owned()],
            op_type: (*operator).to_owned(),
            attribute: vec![
                AttributeProto::ints("axes", &[0]),
                AttributeProto::int("keepdims", 0),
            ],
            ..NodeProto::default()
        };
        let graph = GraphProto {
            node: operators.iter().map(node).collect(),
            initializer: vec![TensorProto::integers("shape".to_owned(), &[1])],
            ..GraphProto::default()
        };
        let opset = OperatorSetIdProto {
            version,
            ..OperatorSetIdProto::default()
        };
        ModelProto {
            graph: Some(graph),
            opset_import: vec![opset],
            ..ModelProto::default()
        }
    }

    fn converted(model: &ModelProto) -> Option<ModelProto> {
        let bytes = with_reduction_axes_as_input(&model.encode_to_vec())?;
        Some(ModelProto::decode(&bytes[..]).unwrap())
    }

    #[test]
    fn axes_become_constant_input() {
        let model = converted(&model(17, &["Relu", OPERATOR])).unwrap();
        assert_eq!(model.opset_import[0].version, 18);
        let graph = model.graph.unwrap();
        let node = &graph.node[1];
        assert_eq!(node.input, ["x", "mien.axes.y"]);
        assert_eq!(node.attribute, [AttributeProto::int("keepdims", 0)]);
        let axes = TensorProto::integers("mien.axes.y".to_owned(), &[0]);
        assert_eq!(graph.initializer[1], axes);
        assert_eq!(
            graph.node[0].attribute.len(),
            2,
            "other nodes are unchanged"
        );
    }

    #[test]
    fn files_without_operator_or_of_other_sets_are_unchanged() {
        assert_eq!(converted(&model(17, &["Relu"])), None);
        assert_eq!(converted(&model(18, &[OPERATOR])), None);
        assert_eq!(converted(&model(17, &[OPERATOR, "Split"])), None);
        assert_eq!(with_reduction_axes_as_input(b"not a model"), None);
    }

    #[test]
    fn external_values_are_not_supported() {
        let mut model = model(17, &[OPERATOR]);
        let graph = model.graph.as_mut().unwrap();
        graph.initializer[0].raw_data.clear();
        assert_eq!(converted(&model), None);
    }
}
