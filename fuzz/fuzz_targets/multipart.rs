//! Reads a multipart form that arrives in chunks.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mien::fuzzing::multipart(bytes));
