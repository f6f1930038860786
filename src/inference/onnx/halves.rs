//! A float32 input that is given as halves: half the bytes to copy to a GPU, where they become floats again.

use std::path::Path;

use ort::{
    editor::{Graph, Model, Node, ONNX_DOMAIN, Opset},
    operator::Attribute,
    session::{Session, builder::SessionBuilder},
    value::{Outlet, TensorElementType, ValueType},
};

/// What the input of halves is called within a session. No client sees it.
pub(super) const INPUT: &str = "mien.halves";

/// ONNX's number of float32, in `Cast`.
const FLOAT: i64 = 1;

/// Opens a model file and, where its only input is float32, puts a `Cast` before the graph that makes it of halves; whether
/// that is so. What the session declares stays what the file declares.
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

/// The model of one node that gives a float32 input its values.
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
    let halves = ValueType::Tensor {
        ty: TensorElementType::Float16,
        shape: shape.clone(),
        dimension_symbols: dimension_symbols.clone(),
    };
    let mut graph = Graph::new()?;
    graph.set_inputs([Outlet::new(INPUT, halves)])?;
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use mien_faces::image::Face;

    use super::super::{OnnxClassifier, session::Session};
    use crate::inference::{
        Classifier, Input,
        runtime::{CudaOptions, DeviceChoice, Runtime},
        signature::{Element, Signature},
    };

    /// The answers to three faces of a fixture, and whether they were given as halves.
    fn answers(model: &str, halves: bool) -> (Vec<Vec<f32>>, bool) {
        let runtime = Runtime::load(DeviceChoice::Cpu, CudaOptions::default()).unwrap();
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let session =
            Session::open_as(&runtime, &root.join(model).join("1/model.onnx"), 1, halves).unwrap();
        let declared = session.declaration().unwrap();
        let halved = session.halved;
        let signature = Signature::new(&declared.inputs, &declared.outputs, 7, None, None).unwrap();
        assert_ne!(signature.input, super::INPUT);
        assert!(!halved || declared.inputs[0].element == Some(Element::Float32));
        let side = signature.side;
        let face = |seed: usize| {
            let gray = (0..side * side).map(|pixel| u8::try_from(pixel * seed % 251).unwrap());
            Input::Face(Face::new(side, gray.collect()).unwrap())
        };
        let mut classifier = OnnxClassifier::new(session, signature, 7, 2).unwrap();
        let answers = classifier.classify(&[face(1), face(7), face(23)]).unwrap();
        (
            answers
                .into_iter()
                .map(|answer| answer.unwrap().outputs.into_vec())
                .collect(),
            halved,
        )
    }

    #[test]
    fn floats_are_given_as_halves_and_answered_nearly_alike() {
        for model in [
            "models/keras",
            "foreign/models/exported",
            "foreign/models/dense",
        ] {
            let ((floats, plain), (halves, halved)) = (answers(model, false), answers(model, true));
            assert!(halved && !plain, "{model}");
            assert_ne!(floats, halves, "{model}: gray/255 is no half");
            for (floats, halves) in floats.iter().flatten().zip(halves.iter().flatten()) {
                assert!((floats - halves).abs() < 2e-3, "{model}: {floats} {halves}");
            }
        }
    }

    #[test]
    fn bytes_and_halves_are_given_as_they_are() {
        for model in ["models/small", "foreign/models/half"] {
            let ((plain, _), (given, halved)) = (answers(model, false), answers(model, true));
            assert!(!halved, "{model}");
            assert_eq!(plain, given, "{model}");
        }
    }
}
