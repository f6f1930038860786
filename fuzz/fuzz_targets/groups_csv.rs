//! Parses the groups of a data set.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mien_faces::fuzzing::groups_csv(bytes));
