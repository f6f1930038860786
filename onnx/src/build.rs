//! Constructors of messages.

use half::f16;

use crate::proto::{
    AttributeProto, Dimension, FLOAT, FLOAT16, INT64, TensorProto, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto, dimension,
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
