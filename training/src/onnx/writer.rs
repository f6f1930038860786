//! Encodes a [`Graph`] with its weights as an ONNX model. The input is `image`, uint8 `[N,1,48,48]`; the outputs are `logits`
//! and `probabilities`, float32 `[N,7]`. Scaling and softmax are part of the graph.

use std::collections::HashMap;

use mien_faces::expression::Expression;
use mien_onnx::{
    AttributeProto, FLOAT, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    StringStringEntryProto, TensorProto, UINT8, ValueInfoProto,
};
use prost::Message;

use super::{error::WriteError, metadata::Metadata};
use crate::arch::{
    graph::{Graph, Node},
    op::{FlattenOrder, Op, Padding},
    parameter::{self, Role},
    shape::{self, Shape},
};

mod initializers;
mod inputs_outputs;

/// The oldest versions that have all operators of this writer. ONNX Runtime 1.20 and Triton read newer versions too.
const IR_VERSION: i64 = 8;
const OPSET: i64 = 17;

/// Values by parameter name, in the layout of [`Parameter::shape`](parameter::Parameter::shape).
pub type Values = HashMap<String, Vec<f32>>;

/// Returns the bytes of a `.onnx` file.
///
/// # Errors
/// Returns an error if values are missing, their number is wrong, or a value cannot be represented in the metadata's
/// [`WeightFormat`](super::weights::WeightFormat).
pub fn encode(graph: &Graph, values: &Values, metadata: &Metadata) -> Result<Vec<u8>, WriteError> {
    let side = graph.side() as i64;
    let mut writer = Writer {
        shapes: shape::infer(graph, graph.side())?,
        nodes: Vec::new(),
        initializers: Vec::new(),
        image: String::new(),
    };
    writer.image = writer.views(metadata.views);
    for parameter in parameter::list(graph)? {
        writer.parameter(parameter, values, metadata.weights)?;
    }
    for node in graph.nodes() {
        writer.node(graph, node);
    }
    writer.outputs(
        &graph.inference_source(graph.output()).name,
        metadata.temperature,
        metadata.views,
    );
    let classes = Expression::COUNT as i64;
    let graph = GraphProto {
        node: writer.nodes,
        name: graph.name().to_owned(),
        initializer: writer.initializers,
        input: vec![ValueInfoProto::batch_of(
            inputs_outputs::IMAGE,
            UINT8,
            &[1, side, side],
        )],
        output: ["probabilities", "logits"]
            .map(|name| ValueInfoProto::batch_of(name, FLOAT, &[classes]))
            .to_vec(),
    };
    Ok(model(graph, metadata).encode_to_vec())
}

/// Returns the message of a file.
fn model(graph: GraphProto, metadata: &Metadata) -> ModelProto {
    let entry = |(key, value): (&str, String)| StringStringEntryProto {
        key: key.to_owned(),
        value,
    };
    ModelProto {
        ir_version: IR_VERSION,
        producer_name: "mien-train".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto {
            domain: String::new(),
            version: OPSET,
        }],
        metadata_props: metadata.entries().into_iter().map(entry).collect(),
    }
}

struct Writer {
    shapes: Vec<Shape>,
    nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
    /// Name of the tensor that the network reads as its input: `image` or its views.
    image: String,
}

impl Writer {
    /// Adds a node. Its output has the node's name.
    fn push(
        &mut self,
        op_type: &str,
        output: &str,
        input: Vec<String>,
        attribute: Vec<AttributeProto>,
    ) {
        self.nodes
            .push(NodeProto::new(op_type, output, input, attribute));
    }

    /// Returns the name of a node's output.
    fn operand(&self, node: &Node) -> String {
        if matches!(node.op, Op::Input) {
            self.image.clone()
        } else {
            node.name.clone()
        }
    }

    fn node(&mut self, graph: &Graph, node: &Node) {
        let mut inputs: Vec<String> = node
            .inputs
            .iter()
            .map(|&id| self.operand(graph.inference_source(id)))
            .collect();
        let name = node.name.as_str();
        let mut with =
            |roles: &[Role]| inputs.extend(roles.iter().map(|&role| parameter::name(name, role)));
        match node.op {
            // `image` is an input of the model, and its readers use its views (see `operand`).
            Op::Input => {}
            Op::Normalize { mean, std } => self.normalize(name, inputs.remove(0), mean, std),
            Op::Conv {
                kernel,
                stride,
                padding,
                bias,
                filters: _,
            } => {
                with(if bias {
                    &[Role::ConvWeight, Role::Bias]
                } else {
                    &[Role::ConvWeight]
                });
                let attributes = self.window(node, kernel, stride, padding);
                self.push("Conv", name, inputs, attributes);
            }
            Op::BatchNorm {
                epsilon,
                momentum: _,
            } => {
                with(&[Role::Gamma, Role::Beta, Role::Mean, Role::Variance]);
                let epsilon = AttributeProto::float("epsilon", epsilon as f32);
                self.push("BatchNormalization", name, inputs, vec![epsilon]);
            }
            Op::Relu => self.push("Relu", name, inputs, vec![]),
            // A model file is not trained: readers take the operand itself (see `Graph::inference_source`).
            Op::Dropout { rate: _ } | Op::StochasticDepth { rate: _ } => {}
            Op::AvgPool { kernel, scaling: _ } => {
                let mut attributes = self.window(node, kernel, kernel, Padding::Valid);
                attributes.push(AttributeProto::int("count_include_pad", 0));
                attributes.push(AttributeProto::int("ceil_mode", 0));
                self.push("AveragePool", name, inputs, attributes);
            }
            Op::Add => self.push("Add", name, inputs, vec![]),
            Op::Concat => self.push("Concat", name, inputs, vec![AttributeProto::int("axis", 1)]),
            Op::Flatten {
                order: FlattenOrder::HeightWidthChannel,
            } => {
                let last = format!("{name}.channels_last");
                self.push(
                    "Transpose",
                    &last,
                    inputs,
                    vec![AttributeProto::ints("perm", &[0, 2, 3, 1])],
                );
                self.push(
                    "Flatten",
                    name,
                    vec![last],
                    vec![AttributeProto::int("axis", 1)],
                );
            }
            Op::Linear { outputs: _ } => {
                with(&[Role::LinearWeight, Role::Bias]);
                self.push("Gemm", name, inputs, vec![AttributeProto::int("transB", 1)]);
            }
        }
    }

    /// `(x / 255 - mean) / std` as one multiplication and one addition.
    fn normalize(&mut self, name: &str, image: String, mean: f32, std: f32) {
        let (float, scaled) = (format!("{name}.float"), format!("{name}.scaled"));
        let scale = self.scalar(
            &format!("{name}.scale"),
            (1.0 / (255.0 * f64::from(std))) as f32,
        );
        self.cast(&float, image);
        if mean == 0.0 {
            self.push("Mul", name, vec![float, scale], vec![]);
            return;
        }
        let offset = self.scalar(&format!("{name}.offset"), -mean / std);
        self.push("Mul", &scaled, vec![float, scale], vec![]);
        self.push("Add", name, vec![scaled, offset], vec![]);
    }

    fn window(
        &self,
        node: &Node,
        kernel: usize,
        stride: usize,
        padding: Padding,
    ) -> Vec<AttributeProto> {
        let side = match self.shapes[node.inputs[0].index()] {
            Shape::Map { side, .. } => side,
            Shape::Vector(_) => unreachable!("shapes were checked: a window has a map under it"),
        };
        let (before, after) = padding.amounts(side, kernel, stride);
        let (kernel, stride, before, after) =
            (kernel as i64, stride as i64, before as i64, after as i64);
        vec![
            AttributeProto::ints("kernel_shape", &[kernel, kernel]),
            AttributeProto::ints("strides", &[stride, stride]),
            AttributeProto::ints("pads", &[before, before, after, after]),
        ]
    }
}
