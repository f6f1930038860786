//! Parsing of JSON from clients in one pass, without building what is not used.
//!
//! serde's derived types are not sufficient for large bodies: they build everything before a limit can be checked, and their errors
//! repeat a string of the wrong type as a whole. The visitors of this module read each value with `deserialize_any`, store at most
//! what a limit allows, and report strings by their length.

mod key;
mod list;
mod memory;
mod name;
mod object;
mod off_event_loop;

pub(crate) use self::{
    key::Key,
    list::{Items, List},
    memory::{ElementLimits, memory},
    name::Name,
    object::{Fields, Object, set},
    off_event_loop::off_event_loop,
};

use serde::de::{Error, Expected};

/// Returns the error of a string in place of another value. The string is not repeated.
pub(crate) fn unexpected_string<E: Error>(text: &str, expected: &dyn Expected) -> E {
    let length = text.len();
    E::custom(format_args!(
        "invalid type: string of {length} bytes, expected {expected}"
    ))
}
