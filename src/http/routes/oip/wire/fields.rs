//! The fields of inference requests in JSON.

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess};

use super::{
    data::{Data, DataReader},
    parameters::Parameters,
    shape::Shape,
};
use crate::{
    json::{ElementLimits, Fields, Items, List, Name, Object, set},
    oip::MAX_TENSORS,
};

/// A request. Fields that are absent or `null` are `None`.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) id: Option<String>,
    pub(super) parameters: Option<Parameters>,
    pub(super) inputs: Option<Inputs<'a>>,
    pub(super) outputs: Option<Outputs>,
    limits: ElementLimits,
}

/// An input tensor.
#[derive(Debug)]
pub(super) struct Input<'a> {
    pub(super) name: Option<String>,
    pub(super) shape: Option<Shape>,
    pub(super) datatype: Option<String>,
    pub(super) parameters: Option<Parameters>,
    pub(super) data: Option<Data<'a>>,
    limits: ElementLimits,
}

/// A requested output.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) name: Option<String>,
    pub(super) parameters: Option<Parameters>,
}

/// The inputs of a request.
#[derive(Debug)]
pub(super) struct Inputs<'a> {
    pub(super) list: Vec<Input<'a>>,
    limits: ElementLimits,
}

/// The outputs of a request.
#[derive(Debug, Default)]
pub(super) struct Outputs(pub(super) Vec<Output>);

impl Request<'_> {
    pub(super) fn new(limits: ElementLimits) -> Self {
        Self {
            id: None,
            parameters: None,
            inputs: None,
            outputs: None,
            limits,
        }
    }
}

impl<'de> Fields<'de> for Request<'de> {
    const EXPECTED: &'static str = "an inference request";

    fn read<A: MapAccess<'de>>(&mut self, name: &str, value: &mut A) -> Result<(), A::Error> {
        match name {
            "id" => set(&mut self.id, "id", value.next_value_seed(Name)?),
            "parameters" => read_parameters(&mut self.parameters, value),
            "inputs" => {
                let inputs = Inputs {
                    list: Vec::new(),
                    limits: self.limits,
                };
                set(
                    &mut self.inputs,
                    "inputs",
                    value.next_value_seed(List(inputs))?,
                )
            }
            "outputs" => {
                let given = value.next_value_seed(List(Outputs::default()))?;
                set(&mut self.outputs, "outputs", given)
            }
            _ => value.next_value().map(|IgnoredAny| ()),
        }
    }
}

impl<'de> Fields<'de> for Input<'de> {
    const EXPECTED: &'static str = "an input tensor";

    fn read<A: MapAccess<'de>>(&mut self, name: &str, value: &mut A) -> Result<(), A::Error> {
        match name {
            "name" => set(&mut self.name, "name", value.next_value_seed(Name)?),
            "shape" => {
                let given = value.next_value_seed(List(Shape::default()))?;
                set(&mut self.shape, "shape", given)
            }
            "datatype" => set(&mut self.datatype, "datatype", value.next_value_seed(Name)?),
            "parameters" => read_parameters(&mut self.parameters, value),
            "data" => {
                let given = value.next_value_seed(DataReader(self.limits))?;
                set(&mut self.data, "data", given)
            }
            _ => value.next_value().map(|IgnoredAny| ()),
        }
    }
}

impl<'de> Fields<'de> for Output {
    const EXPECTED: &'static str = "a requested output";

    fn read<A: MapAccess<'de>>(&mut self, name: &str, value: &mut A) -> Result<(), A::Error> {
        match name {
            "name" => set(&mut self.name, "name", value.next_value_seed(Name)?),
            "parameters" => read_parameters(&mut self.parameters, value),
            _ => value.next_value().map(|IgnoredAny| ()),
        }
    }
}

impl<'de> Items<'de> for Inputs<'de> {
    const EXPECTED: &'static str = "a list of input tensors";

    fn read<A: SeqAccess<'de>>(&mut self, list: &mut A) -> Result<bool, A::Error> {
        let input = Input {
            name: None,
            shape: None,
            datatype: None,
            parameters: None,
            data: None,
            limits: self.limits,
        };
        let next = list.next_element_seed(Object(input))?;
        push(&mut self.list, next, "inputs")
    }
}

impl<'de> Items<'de> for Outputs {
    const EXPECTED: &'static str = "a list of requested outputs";

    fn read<A: SeqAccess<'de>>(&mut self, list: &mut A) -> Result<bool, A::Error> {
        let next = list.next_element_seed(Object(Output::default()))?;
        push(&mut self.0, next, "outputs")
    }
}

/// Reads the field `parameters`.
fn read_parameters<'de, A: MapAccess<'de>>(
    field: &mut Option<Parameters>,
    value: &mut A,
) -> Result<(), A::Error> {
    let given = value.next_value_seed(Object(Parameters::default()))?;
    set(field, "parameters", given)
}

/// Adds the next element of a list of tensors and returns whether there was one.
fn push<T, E: Error>(
    list: &mut Vec<T>,
    next: Option<Option<T>>,
    what: &'static str,
) -> Result<bool, E> {
    let Some(tensor) = next else {
        return Ok(false);
    };
    if list.len() == MAX_TENSORS {
        return Err(E::custom(format_args!("more than {MAX_TENSORS} {what}")));
    }
    let missing = || E::custom(format_args!("`{what}` contains null"));
    list.push(tensor.ok_or_else(missing)?);
    Ok(true)
}
