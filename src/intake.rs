//! Intake: bytes of a request become decoded faces, and their memory is accounted.

pub mod decoder;
pub mod memory_limit;
