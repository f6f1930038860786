//! Decodes an image file of at most one million pixels.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mien_faces::fuzzing::image_decode(bytes));
