//! Parameters of requests, inputs and outputs. Only known parameters are stored; others are skipped.

use serde::de::{IgnoredAny, MapAccess};

use super::scalar::Scalar;
use crate::{
    json::Fields,
    oip::{Error, reject_shared_memory},
};

/// Names of the parameters that the server reads.
const KNOWN: [&str; 6] = [
    "binary_data",
    "binary_data_output",
    "binary_data_size",
    "classification",
    "priority",
    "timeout",
];

/// The known parameters. A parameter with the value `null` is like an absent one.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    values: [Option<Scalar>; KNOWN.len()],
    /// The error of a parameter of shared memory, which is not supported.
    shared_memory: Option<Error>,
}

impl<'de> Fields<'de> for Parameters {
    const EXPECTED: &'static str = "an object with parameters";

    fn read<A: MapAccess<'de>>(&mut self, name: &str, value: &mut A) -> Result<(), A::Error> {
        if let Some(index) = KNOWN.iter().position(|known| *known == name) {
            self.values[index] = value.next_value()?;
        } else if value.next_value::<Option<IgnoredAny>>()?.is_some()
            && let Err(error) = reject_shared_memory(name)
        {
            self.shared_memory = Some(error);
        }
        Ok(())
    }
}

impl Parameters {
    /// Returns the value of a known parameter.
    pub(super) fn get(&self, name: &str) -> Option<Scalar> {
        let index = KNOWN.iter().position(|known| *known == name)?;
        self.values[index]
    }

    /// Returns all parameters that are set.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, Scalar)> {
        KNOWN
            .into_iter()
            .zip(self.values)
            .filter_map(|(name, value)| Some((name, value?)))
    }

    /// Returns the value of a boolean parameter.
    ///
    /// # Errors
    /// Returns an error for a value of another kind.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Error> {
        match self.get(name) {
            None => Ok(None),
            Some(Scalar::Bool(flag)) => Ok(Some(flag)),
            Some(Scalar::Integer(_) | Scalar::Other(_)) => Err(Error::invalid(format!(
                "parameter `{name}`: expected true or false"
            ))),
        }
    }

    /// Rejects parameters of shared memory.
    ///
    /// # Errors
    /// Returns an error if one of them is set.
    pub(super) fn without_shared_memory(&self) -> Result<(), Error> {
        self.shared_memory.clone().map_or(Ok(()), Err)
    }
}
