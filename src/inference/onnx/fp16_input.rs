//! Float16 input for float32 models. Half as many bytes are copied to the GPU, which converts them back to float32.

use std::path::Path;

use ort::{
    editor::{Graph, Model, Node, ONNX_DOMAIN, Opset},
    operator::Attribute,
    session::{Session, builder::SessionBuilder},
    value::{Outlet, TensorElementType, ValueType},
};

/// Name of the float16 input within the session. Clients do not see it.
pub(super) const INPUT: &str = "mien.fp16_input";

/// `TensorProto.DataType.FLOAT` of ONNX.
const FLOAT: i64 = 1;

/// Opens a model file. If its only input is float32, inserts a `Cast` from float16 before the graph. Also returns whether
/// it did so. The metadata of the session stays that of the file.
pub(super) fn open(builder: &mut SessionBuilder, path: &Path) -> ort::Result<(Session, bool)> {
    let mut session = builder.edit_from_file(path)?;
    let cast = match session.inputs() {
        [input] => cast_to(input, session.opset_for_domain(ONNX_DOMAIN))?,
        _ => None,
    };
    if let Some(cast) = &cast {
        session.apply_model(cast)?;
    }
    Ok((session.into_session()?, cast.is_some()))
}

/// Returns a model with one `Cast` node that produces a float32 input from float16 values.
fn cast_to(input: &Outlet, opset: Option<u32>) -> ort::Result<Option<Model>> {
    let ValueType::Tensor {
        ty: TensorElementType::Float32,
        shape,
        dimension_symbols,
    } = input.dtype()
    else {
        return Ok(None);
    };
    let Some(opset) = opset else { return Ok(None) };
    let float16 = ValueType::Tensor {
        ty: TensorElementType::Float16,
        shape: shape.clone(),
        dimension_symbols: dimension_symbols.clone(),
    };
    let mut graph = Graph::new()?;
    graph.set_inputs([Outlet::new(INPUT, float16)])?;
    let to_float = [Attribute::new("to", FLOAT)?];
    graph.add_node(Node::new(
        "Cast",
        ONNX_DOMAIN,
        INPUT,
        [INPUT],
        [input.name()],
        to_float,
    )?)?;
    let mut model = Model::new([Opset::new(ONNX_DOMAIN, opset)?])?;
    model.set_graph(graph)?;
    Ok(Some(model))
}
