//! Reads the signature of a model without verifying it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mien::fuzzing::signature_bundle(bytes));
