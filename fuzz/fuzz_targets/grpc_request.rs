//! Decodes a `ModelInferRequest` and converts it to a request of the inference protocol.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mien::fuzzing::grpc_request(bytes));
