//! Parses a request of the inference protocol in JSON with binary data.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mien::fuzzing::v2_request(bytes));
