//! Makes a convolutional network with a fixed input, such as `[1,3,640,640]`, accept any number and size of images.

use prost::Message;

use crate::proto::{
    Dimension, INT64, ModelProto, TensorProto, TypeProto, ValueInfoProto, dimension,
};

/// Names of the axes of the input that get any size. The axis of the channels keeps its size.
const AXES: [(usize, &str); 3] = [(0, "n"), (2, "height"), (3, "width")];

/// Replaces the fixed sizes in a model file. The batch axis of each `Reshape` is copied from its input instead of being 1
/// (ONNX, "Reshape": a 0 in the shape copies the axis). Intermediate shapes are left out, and ONNX Runtime infers them again.
///
/// Returns `None` if the bytes are not an ONNX file with one input of four axes.
pub fn with_dynamic_shape(model: &[u8]) -> Option<Vec<u8>> {
    let mut model = ModelProto::decode(model).ok()?;
    let graph = model.graph.as_mut()?;
    let [input] = graph.input.as_mut_slice() else {
        return None;
    };
    free_axes(input)?;
    for output in &mut graph.output {
        if let Some(TypeProto {
            tensor_type: Some(tensor),
        }) = &mut output.r#type
        {
            tensor.shape = None;
        }
    }
    graph.initializer.iter_mut().for_each(copy_batch_axis);
    Some(model.encode_to_vec())
}

fn free_axes(input: &mut ValueInfoProto) -> Option<()> {
    let tensor = input.r#type.as_mut()?.tensor_type.as_mut()?;
    let axes = &mut tensor.shape.as_mut()?.dim;
    if axes.len() != 4 {
        return None;
    }
    for (axis, name) in AXES {
        axes[axis] = Dimension {
            value: Some(dimension::Value::DimParam(name.to_owned())),
        };
    }
    Some(())
}

/// Changes the shape `[1, -1, k]` of a `Reshape` to `[0, -1, k]`.
fn copy_batch_axis(constant: &mut TensorProto) {
    let is_shape = constant.data_type == INT64 && constant.dims == [3];
    let values = constant.raw_data.as_chunks_mut::<8>().0;
    if is_shape
        && let [batch, cells, _] = values
        && i64::from_le_bytes(*batch) == 1
        && i64::from_le_bytes(*cells) == -1
    {
        *batch = 0_i64.to_le_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{FLOAT, GraphProto};

    fn image(rest: &[i64]) -> ValueInfoProto {
        ValueInfoProto::batch_of("input", FLOAT, rest)
    }

    fn model(input: Vec<ValueInfoProto>, shape: &[i64]) -> Vec<u8> {
        let graph = GraphProto {
            input,
            output: vec![image(&[6400, 1])],
            initializer: vec![TensorProto::integers("shape".to_owned(), shape)],
            ..GraphProto::default()
        };
        let model = ModelProto {
            graph: Some(graph),
            ..ModelProto::default()
        };
        model.encode_to_vec()
    }

    fn shape_of(model: &[u8]) -> Vec<i64> {
        let graph = ModelProto::decode(model).unwrap().graph.unwrap();
        let (values, _) = graph.initializer[0].raw_data.as_chunks();
        values.iter().map(|v| i64::from_le_bytes(*v)).collect()
    }

    #[test]
    fn reshape_copies_batch_axis() {
        let input = || vec![image(&[3, 640, 640])];
        let dynamic = |shape| with_dynamic_shape(&model(input(), shape)).unwrap();
        assert_eq!(shape_of(&dynamic(&[1, -1, 4])), [0, -1, 4]);
        assert_eq!(shape_of(&dynamic(&[1, 2, 4])), [1, 2, 4]);
        assert_eq!(shape_of(&dynamic(&[1, -1])), [1, -1]);
    }

    #[test]
    fn sizes_become_names_and_outputs_lose_their_shape() {
        let dynamic = with_dynamic_shape(&model(vec![image(&[3, 640, 640])], &[1, -1, 1])).unwrap();
        let graph = ModelProto::decode(&dynamic[..]).unwrap().graph.unwrap();
        let named = ValueInfoProto::batch_of("input", FLOAT, &[3, 1, 1]);
        let mut named = named.r#type.unwrap().tensor_type.unwrap().shape.unwrap();
        for (axis, name) in AXES {
            named.dim[axis].value = Some(dimension::Value::DimParam(name.to_owned()));
        }
        let tensor = |value: &ValueInfoProto| value.r#type.clone().unwrap().tensor_type.unwrap();
        assert_eq!(tensor(&graph.input[0]).shape, Some(named));
        assert_eq!(tensor(&graph.output[0]).shape, None);
    }

    #[test]
    fn other_files_are_rejected() {
        assert_eq!(with_dynamic_shape(b"not a model"), None);
        assert_eq!(with_dynamic_shape(&model(vec![], &[1])), None);
        assert_eq!(with_dynamic_shape(&model(vec![image(&[640])], &[1])), None);
    }
}
