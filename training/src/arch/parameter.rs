//! Names and shapes of a network's parameters. A parameter is named `<node>.<role>`.

use super::{
    graph::{Graph, Node},
    op::Op,
    shape::{self, Shape, ShapeError},
};

/// Role of a parameter in its operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Convolution kernel, `[filters, channels, k, k]`.
    ConvWeight,
    /// Dense weight, `[outputs, inputs]`.
    LinearWeight,
    /// Bias of a convolution or dense layer, `[outputs]`.
    Bias,
    /// Batch-norm scale, `[channels]`.
    Gamma,
    /// Batch-norm offset, `[channels]`.
    Beta,
    /// Running mean, `[channels]`.
    Mean,
    /// Running variance, `[channels]`.
    Variance,
}

impl Role {
    /// Returns whether the optimiser updates the parameter. Batch-norm statistics are not trainable.
    pub fn is_trainable(self) -> bool {
        !matches!(self, Self::Mean | Self::Variance)
    }

    /// Returns whether weight decay applies: to convolution kernels and dense weights only.
    pub fn decays(self) -> bool {
        matches!(self, Self::ConvWeight | Self::LinearWeight)
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::ConvWeight | Self::LinearWeight => "weight",
            Self::Bias => "bias",
            Self::Gamma => "gamma",
            Self::Beta => "beta",
            Self::Mean => "mean",
            Self::Variance => "variance",
        }
    }
}

/// One parameter array of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Unique name, `<node>.<role>`.
    pub name: String,
    /// Role in the node's operation.
    pub role: Role,
    /// Dimensions, as documented at [`Role`].
    pub shape: Vec<usize>,
}

impl Parameter {
    /// Returns the number of values.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Returns the name of the node.
    pub fn node(&self) -> &str {
        self.name
            .rsplit_once('.')
            .map_or(self.name.as_str(), |(node, _)| node)
    }

    /// Returns whether the parameter is empty. Parameters of a finished graph are never empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of inputs of one output: the fan-in of He initialisation.
    pub fn fan_in(&self) -> usize {
        self.shape.iter().skip(1).product()
    }
}

/// Returns the name of a node's parameter.
pub fn name(node: &str, role: Role) -> String {
    format!("{node}.{}", role.suffix())
}

/// Returns all parameters of a network in node order, and per node in the order in which Keras stores them.
///
/// # Errors
/// Returns an error if the shapes of the graph are inconsistent.
pub fn list(graph: &Graph) -> Result<Vec<Parameter>, ShapeError> {
    let shapes = shape::infer(graph, graph.side())?;
    let mut parameters = Vec::new();
    for node in graph.nodes() {
        let width = |index: usize| match node.inputs.get(index).map(|id| shapes[id.index()]) {
            Some(Shape::Map { channels, .. }) => channels,
            Some(Shape::Vector(length)) => length,
            None => 0,
        };
        let mut push = |role, shape| {
            parameters.push(Parameter {
                name: name(&node.name, role),
                role,
                shape,
            })
        };
        match node.op {
            Op::Conv {
                filters,
                kernel,
                bias,
                ..
            } => {
                push(Role::ConvWeight, vec![filters, width(0), kernel, kernel]);
                if bias {
                    push(Role::Bias, vec![filters]);
                }
            }
            Op::BatchNorm { .. } => {
                for role in [Role::Gamma, Role::Beta, Role::Mean, Role::Variance] {
                    push(role, vec![width(0)]);
                }
            }
            Op::Linear { outputs } => {
                push(Role::LinearWeight, vec![outputs, width(0)]);
                push(Role::Bias, vec![outputs]);
            }
            Op::Input
            | Op::Normalize { .. }
            | Op::Relu
            | Op::Dropout { .. }
            | Op::StochasticDepth { .. }
            | Op::AvgPool { .. }
            | Op::Add
            | Op::Concat
            | Op::Flatten { .. } => {}
        }
    }
    Ok(parameters)
}

/// Returns the last parameter of each residual branch: the scale of its last batch norm, or the kernel of its last
/// convolution. Setting these to zero initialises every block as the identity (Goyal et al. 2017, section 5.1).
pub fn residual_ends(graph: &Graph) -> Vec<String> {
    let branch_of_add = |node: &Node| match (&node.op, &node.inputs[..]) {
        (Op::Add, &[_, branch]) => Some(graph.inference_source(branch)),
        _ => None,
    };
    let ends = graph
        .nodes()
        .iter()
        .filter_map(branch_of_add)
        .filter_map(|end| match end.op {
            Op::BatchNorm { .. } => Some(name(&end.name, Role::Gamma)),
            Op::Conv { .. } => Some(name(&end.name, Role::ConvWeight)),
            Op::Input
            | Op::Normalize { .. }
            | Op::Relu
            | Op::Dropout { .. }
            | Op::StochasticDepth { .. }
            | Op::AvgPool { .. }
            | Op::Add
            | Op::Concat
            | Op::Flatten { .. }
            | Op::Linear { .. } => None,
        });
    ends.collect()
}
