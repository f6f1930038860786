//! Selects the operators that compute with INT8 and the tensors that are quantised.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use mien_onnx::{GraphProto, NodeProto};

/// Operators without weights that ONNX Runtime computes with INT8 if their operands are quantised.
const FOLLOWING: [&str; 4] = ["Add", "AveragePool", "Concat", "Relu"];

/// The quantised part of a graph: the convolutions with constant weights, the operators of [`FOLLOWING`] between them,
/// and the tensors that they read and write. The preprocessing, the last matrix product and the softmax stay float: they
/// are a negligible part of the multiply-adds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Selection {
    /// Indices of the quantised convolutions.
    pub(super) convolutions: BTreeSet<usize>,
    /// The quantised activation tensors, each with its index in a sorted list.
    pub(super) tensors: BTreeMap<String, usize>,
}

impl Selection {
    /// Selects operators and tensors of a graph. Its nodes must be in topological order, as the ONNX specification requires.
    pub(super) fn of(graph: &GraphProto) -> Self {
        let constants: HashSet<&str> = graph
            .initializer
            .iter()
            .map(|constant| constant.name.as_str())
            .collect();
        let is_constant = |name: &String| constants.contains(name.as_str());
        let mut readers: HashMap<&str, Vec<&NodeProto>> = HashMap::new();
        for node in &graph.node {
            for input in &node.input {
                readers.entry(input).or_default().push(node);
            }
        }
        let mut convolutions = BTreeSet::new();
        let mut tensors: BTreeSet<&str> = BTreeSet::new();
        for (index, node) in graph.node.iter().enumerate() {
            let ([input, ..], [output]) = (&node.input[..], &node.output[..]) else {
                continue;
            };
            let follows = || {
                node.input
                    .iter()
                    .all(|name| tensors.contains(name.as_str()))
            };
            if node.op_type == "Conv" && node.input[1..].iter().all(is_constant) {
                convolutions.insert(index);
                tensors.insert(input);
            } else if !FOLLOWING.contains(&node.op_type.as_str()) || !follows() {
                continue;
            }
            tensors.insert(stored(output, &readers));
        }
        let names = tensors.into_iter().map(str::to_owned);
        Self {
            convolutions,
            tensors: names.zip(0..).collect(),
        }
    }
}

/// Returns the tensor that is quantised after an operator. If only a ReLU reads the output, that is the ReLU's output:
/// ONNX Runtime then fuses the ReLU with the operator, because uint8 values with zero point 0 are not negative.
fn stored<'a>(output: &'a str, readers: &HashMap<&str, Vec<&'a NodeProto>>) -> &'a str {
    match readers.get(output).map(Vec::as_slice) {
        Some([relu]) if relu.op_type == "Relu" => {
            relu.output.first().map_or(output, String::as_str)
        }
        _ => output,
    }
}

#[cfg(test)]
mod tests {
    use mien_onnx::TensorProto;

    use super::*;

    fn graph(nodes: &[(&str, &[&str], &str)]) -> GraphProto {
        let node = |(op_type, inputs, output): &(&str, &[&str], &str)| {
            let inputs = inputs.iter().map(|&name| name.to_owned()).collect();
            NodeProto::new(op_type, output, inputs, vec![])
        };
        GraphProto {
            node: nodes.iter().map(node).collect(),
            initializer: vec![TensorProto::floats("w".to_owned(), vec![1], &[1.0])],
            ..GraphProto::default()
        }
    }

    #[track_caller]
    fn assert_selected(graph: &GraphProto, convolutions: &[usize], tensors: &[&str]) {
        let found = Selection::of(graph);
        assert_eq!(
            found.convolutions.iter().copied().collect::<Vec<_>>(),
            convolutions
        );
        assert_eq!(found.tensors.keys().collect::<Vec<_>>(), tensors);
        assert!(found.tensors.values().copied().eq(0..tensors.len()));
    }

    #[test]
    fn relu_is_fused_into_its_only_operand() {
        let graph = graph(&[
            ("Cast", &["image"], "float"),
            ("Conv", &["float", "w"], "a"),
            ("Relu", &["a"], "b"),
            ("Conv", &["b", "w"], "c"),
            ("Add", &["b", "c"], "d"),
            ("Relu", &["d"], "e"),
            ("Gemm", &["e", "w"], "f"),
        ]);
        assert_selected(&graph, &[1, 3], &["b", "c", "e", "float"]);
    }

    #[test]
    fn relu_of_shared_tensor_keeps_both_tensors() {
        let graph = graph(&[
            ("Conv", &["x", "w"], "a"),
            ("Relu", &["a"], "b"),
            ("Conv", &["b", "w"], "c"),
            ("Add", &["a", "c"], "d"),
        ]);
        assert_selected(&graph, &[0, 2], &["a", "b", "c", "d", "x"]);
    }

    #[test]
    fn operators_with_float_operands_stay_float() {
        let graph = graph(&[
            ("Concat", &["image", "mirror"], "views"),
            ("Cast", &["views"], "x"),
            ("Conv", &["x", "w"], "a"),
            ("Softmax", &["a"], "b"),
            ("Add", &["a", "b"], "c"),
            ("Conv", &["a", "b"], "d"),
        ]);
        assert_selected(&graph, &[2], &["a", "x"]);
    }
}
