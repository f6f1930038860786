//! Parses the JSON of `/analyze`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mien::fuzzing::analysis_json(bytes));
