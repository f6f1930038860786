//! The constants of a graph.

use mien_onnx::{AttributeProto, FLOAT, TensorProto};

use super::{Values, WriteError, Writer};
use crate::{
    arch::parameter::Parameter,
    onnx::weights::{self, WeightFormat},
};

impl Writer {
    /// Writes a parameter. Nodes read it by its name, however it is stored.
    pub(super) fn parameter(
        &mut self,
        parameter: Parameter,
        values: &Values,
        format: WeightFormat,
    ) -> Result<(), WriteError> {
        let found = values
            .get(&parameter.name)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let expected = parameter.len();
        if found.len() != expected {
            return Err(WriteError::Values {
                name: parameter.name,
                expected,
                found: found.len(),
            });
        }
        let dims = parameter.shape.iter().map(|&n| n as i64).collect();
        if format.rounds(&parameter) {
            let halves = weights::rounded(&parameter.name, found)?;
            let stored = format!("{}.float16", parameter.name);
            self.initializers
                .push(TensorProto::float16(stored.clone(), dims, &halves));
            // ONNX Runtime folds this cast when it loads the file.
            self.cast(&parameter.name, stored);
        } else {
            self.initializers
                .push(TensorProto::floats(parameter.name, dims, found));
        }
        Ok(())
    }

    /// Writes a conversion to float32.
    pub(super) fn cast(&mut self, output: &str, input: String) {
        let to = AttributeProto::int("to", i64::from(FLOAT));
        self.push("Cast", output, vec![input], vec![to]);
    }

    pub(super) fn scalar(&mut self, name: &str, value: f32) -> String {
        self.initializers
            .push(TensorProto::floats(name.to_owned(), vec![], &[value]));
        name.to_owned()
    }

    pub(super) fn integers(&mut self, name: &str, values: &[i64]) -> String {
        self.initializers
            .push(TensorProto::integers(name.to_owned(), values));
        name.to_owned()
    }
}
