//! Reads the metadata of a model file.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mien::fuzzing::onnx_metadata(bytes));
