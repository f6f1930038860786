//! Walks the structure of an image file without decoding it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mien_faces::fuzzing::image_container(bytes));
