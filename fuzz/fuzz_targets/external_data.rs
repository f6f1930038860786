//! Searches a model file for external data.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mien::fuzzing::external_data(bytes));
