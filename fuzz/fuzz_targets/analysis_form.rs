//! Reads a form of `/analyze` that arrives in chunks.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mien::fuzzing::analysis_form(bytes));
