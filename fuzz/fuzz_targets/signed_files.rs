//! Reads the list of signed files.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mien::fuzzing::signed_files(bytes));
