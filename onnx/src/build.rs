//! Constructors of messages.

use half::f16;

use crate::proto::{
    AttributeProto, Dimension, FLOAT, FLOAT16, INT8, INT32, INT64, NodeProto, TensorProto,
    TensorShapeProto, TensorTypeProto, TypeProto, UINT8, ValueInfoProto, dimension,
};

impl AttributeProto {
    /// A float (`AttributeType` 1).
    pub fn float(name: &str, f: f32) -> Self {
        Self {
            name: name.to_owned(),
            f,
            r#type: 1,
            ..Self::default()
        }
    }

    /// An integer (`AttributeType` 2).
    pub fn int(name: &str, i: i64) -> Self {
        Self {
            name: name.to_owned(),
            i,
            r#type: 2,
            ..Self::default()
        }
    }

    /// Integers (`AttributeType` 7).
    pub fn ints(name: &str, ints: &[i64]) -> Self {
        Self {
            name: name.to_owned(),
            ints: ints.to_vec(),
            r#type: 7,
            ..Self::default()
        }
    }
}

impl NodeProto {
    /// A node with one output, which has the node's name.
    pub fn new(
        op_type: &str,
        output: &str,
        input: Vec<String>,
        attribute: Vec<AttributeProto>,
    ) -> Self {
        Self {
            input,
            output: vec![output.to_owned()],
            name: output.to_owned(),
            op_type: op_type.to_owned(),
            attribute,
        }
    }
}

impl TensorProto {
    /// A float tensor; ONNX stores raw data little-endian.
    pub fn floats(name: String, dims: Vec<i64>, values: &[f32]) -> Self {
        let raw_data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self {
            dims,
            data_type: FLOAT,
            name,
            raw_data,
            ..Self::default()
        }
    }

    /// A float16 tensor.
    pub fn float16(name: String, dims: Vec<i64>, values: &[f16]) -> Self {
        let raw_data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self {
            dims,
            data_type: FLOAT16,
            name,
            raw_data,
            ..Self::default()
        }
    }

    /// A uint8 scalar.
    pub fn uint8_scalar(name: String, value: u8) -> Self {
        Self {
            data_type: UINT8,
            name,
            raw_data: vec![value],
            ..Self::default()
        }
    }

    /// An int8 tensor.
    pub fn int8s(name: String, dims: Vec<i64>, values: &[i8]) -> Self {
        Self {
            dims,
            data_type: INT8,
            name,
            raw_data: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            ..Self::default()
        }
    }

    /// A vector of int32 values.
    pub fn int32s(name: String, values: &[i32]) -> Self {
        Self {
            dims: vec![values.len() as i64],
            data_type: INT32,
            name,
            raw_data: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            ..Self::default()
        }
    }

    /// Returns the values of a float32 or float16 tensor with `raw_data` or `float_data`. Returns `None` for other types,
    /// and if the number of values does not match the shape.
    pub fn to_floats(&self) -> Option<Vec<f32>> {
        let values: Vec<f32> = match self.data_type {
            FLOAT if self.raw_data.is_empty() => self.float_data.clone(),
            FLOAT => {
                let (values, rest) = self.raw_data.as_chunks();
                let values = values.iter().map(|v| f32::from_le_bytes(*v)).collect();
                rest.is_empty().then_some(values)?
            }
            FLOAT16 => {
                let (values, rest) = self.raw_data.as_chunks();
                let values = values.iter().map(|v| f16::from_le_bytes(*v).to_f32());
                rest.is_empty().then(|| values.collect())?
            }
            _ => return None,
        };
        let expected = self
            .dims
            .iter()
            .try_fold(1_usize, |n, &dim| n.checked_mul(usize::try_from(dim).ok()?));
        (expected == Some(values.len())).then_some(values)
    }

    /// A vector of integers.
    pub fn integers(name: String, values: &[i64]) -> Self {
        let raw_data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self {
            dims: vec![values.len() as i64],
            data_type: INT64,
            name,
            raw_data,
            ..Self::default()
        }
    }
}

impl ValueInfoProto {
    /// Returns a tensor whose first axis is a batch of any size.
    pub fn batch_of(name: &str, elem_type: i32, rest: &[i64]) -> Self {
        let batch = Dimension {
            value: Some(dimension::Value::DimParam("N".to_owned())),
        };
        let fixed = |&n: &i64| Dimension {
            value: Some(dimension::Value::DimValue(n)),
        };
        let dim = std::iter::once(batch)
            .chain(rest.iter().map(fixed))
            .collect();
        let tensor = TensorTypeProto {
            elem_type,
            shape: Some(TensorShapeProto { dim }),
        };
        Self {
            name: name.to_owned(),
            r#type: Some(TypeProto {
                tensor_type: Some(tensor),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn float_tensors_are_read_from_every_field() {
        let values = [1.5, -2.0, 65504.0];
        let named = String::new;
        let raw = TensorProto::floats(named(), vec![3, 1], &values);
        let halves = TensorProto::float16(named(), vec![3], &values.map(f16::from_f32));
        let list = TensorProto {
            raw_data: Vec::new(),
            float_data: values.to_vec(),
            ..raw.clone()
        };
        for tensor in [&raw, &halves, &list] {
            assert_eq!(tensor.to_floats().as_deref(), Some(&values[..]));
        }
        let cut = TensorProto {
            raw_data: raw.raw_data[..10].to_vec(),
            ..raw.clone()
        };
        let short = TensorProto {
            dims: vec![4],
            ..raw
        };
        let integers = TensorProto::integers(named(), &[1]);
        for tensor in [cut, short, integers] {
            assert_eq!(tensor.to_floats(), None);
        }
    }
}
