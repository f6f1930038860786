//! Inserts `QuantizeLinear` and `DequantizeLinear` nodes into a graph.

use mien_onnx::{AttributeProto, GraphProto, NodeProto, TensorProto};

use super::{
    QuantizationError, Range,
    constants::{find, floats, remove_unread},
    range::Mapping,
    selection::Selection,
    weights::{self, ChannelWeights},
};

/// Returns the graph in the QDQ format. `ranges` holds the range of each tensor of the selection.
///
/// # Errors
/// Returns an error if the values of a weight cannot be read.
pub(super) fn quantized(
    graph: &GraphProto,
    selection: &Selection,
    ranges: &[Range],
) -> Result<GraphProto, QuantizationError> {
    let mut rewriter = Rewriter {
        graph,
        selection,
        mappings: ranges.iter().map(|range| range.mapping()).collect(),
        nodes: Vec::new(),
        constants: Vec::new(),
    };
    for (index, node) in graph.node.iter().enumerate() {
        let mut node = node.clone();
        if selection.convolutions.contains(&index) {
            rewriter.convolution(&mut node)?;
        }
        for input in &mut node.input {
            if selection.tensors.contains_key(input) {
                *input = dequantized(input);
            }
        }
        let outputs = node.output.clone();
        rewriter.nodes.push(node);
        outputs
            .iter()
            .for_each(|output| rewriter.activation(output));
    }
    let mut quantized = GraphProto {
        node: rewriter.nodes,
        ..graph.clone()
    };
    quantized.initializer.extend(rewriter.constants);
    remove_unread(&mut quantized);
    Ok(quantized)
}

struct Rewriter<'a> {
    graph: &'a GraphProto,
    selection: &'a Selection,
    /// The mapping of each tensor of the selection.
    mappings: Vec<Mapping>,
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
}

impl Rewriter<'_> {
    /// Quantises a tensor after the node that computes it, if the tensor is selected.
    fn activation(&mut self, name: &str) {
        let Some(mapping) = self.mapping(name) else {
            return;
        };
        let stored = format!("{name}.quantized");
        let [scale, zero_point] = parameters(&stored);
        self.constants
            .push(TensorProto::floats(scale.clone(), vec![], &[mapping.scale]));
        self.constants.push(TensorProto::uint8_scalar(
            zero_point.clone(),
            mapping.zero_point,
        ));
        let inputs = vec![name.to_owned(), scale, zero_point];
        self.nodes
            .push(NodeProto::new("QuantizeLinear", &stored, inputs, vec![]));
        self.dequantize(&stored, &dequantized(name), vec![]);
    }

    /// Quantises the weights and the bias of a convolution.
    fn convolution(&mut self, node: &mut NodeProto) -> Result<(), QuantizationError> {
        let [input, weight, rest @ ..] = &mut node.input[..] else {
            return Ok(());
        };
        let (Some(mapping), Some(constant)) = (self.mapping(input), find(self.graph, weight))
        else {
            return Ok(());
        };
        let (dims, values) = floats(constant)?;
        let bias = rest.first().and_then(|bias| find(self.graph, bias));
        let bias = bias.map(floats).transpose()?.map(|(_, values)| values);
        let channels = dims.first().map_or(0, |&channels| channels as usize);
        let ChannelWeights {
            weights,
            bias,
            scales,
            bias_scales,
        } = weights::quantize(&values, bias.as_deref(), channels, mapping.scale);
        let vector = vec![channels as i64];
        let zeros = |name| TensorProto::int8s(name, vector.clone(), &vec![0; channels]);
        let name = format!("{weight}.quantized");
        self.constants
            .push(TensorProto::int8s(name.clone(), dims, &weights));
        self.channel_constant(weight, &name, &scales, zeros);
        if let (Some(bias), Some(name)) = (bias, rest.first_mut()) {
            let stored = format!("{name}.quantized");
            self.constants
                .push(TensorProto::int32s(stored.clone(), &bias));
            let zeros = |name| TensorProto::int32s(name, &vec![0; channels]);
            self.channel_constant(name, &stored, &bias_scales, zeros);
        }
        Ok(())
    }

    /// Writes the scales and zero points of a constant, and its conversion to float. `name` becomes that of the result.
    fn channel_constant(
        &mut self,
        name: &mut String,
        stored: &str,
        scales: &[f32],
        zeros: impl FnOnce(String) -> TensorProto,
    ) {
        let [scale, zero_point] = parameters(stored);
        let dims = vec![scales.len() as i64];
        self.constants
            .push(TensorProto::floats(scale, dims, scales));
        self.constants.push(zeros(zero_point));
        *name = dequantized(name);
        self.dequantize(stored, name, vec![AttributeProto::int("axis", 0)]);
    }

    fn dequantize(&mut self, stored: &str, output: &str, attribute: Vec<AttributeProto>) {
        let [scale, zero_point] = parameters(stored);
        let inputs = vec![stored.to_owned(), scale, zero_point];
        self.nodes.push(NodeProto::new(
            "DequantizeLinear",
            output,
            inputs,
            attribute,
        ));
    }

    fn mapping(&self, tensor: &str) -> Option<Mapping> {
        let index = *self.selection.tensors.get(tensor)?;
        self.mappings.get(index).copied()
    }
}

/// Returns the name of a tensor after its conversion to float.
fn dequantized(name: &str) -> String {
    format!("{name}.dequantized")
}

/// Returns the names of scale and zero point of a quantised tensor.
fn parameters(stored: &str) -> [String; 2] {
    ["scale", "zero_point"].map(|part| format!("{stored}.{part}"))
}
