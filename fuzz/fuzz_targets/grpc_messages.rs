//! Receives the messages of a gRPC call.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mien::fuzzing::grpc_messages(bytes));
