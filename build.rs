//! Generates the types of `proto/` and their descriptors. The compiler is a library, so `protoc` is not needed.
//!
//! On Linux, the server searches for the libraries that it is linked against in the directory `lib` next to it first. The archive of
//! `cargo xtask dist` therefore runs without the C++ libraries of a distribution.

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    if env::var("CARGO_CFG_TARGET_OS")? == "linux" {
        println!("cargo:rustc-link-arg-bin=mien=-Wl,-rpath,$ORIGIN/lib");
    }
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.open_file("inference.proto")?;
    let target = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(
        target.join("inference.bin"),
        compiler.encode_file_descriptor_set(),
    )?;
    tonic_prost_build::configure()
        .build_transport(false)
        // Tensor data are slices of the received message instead of copies.
        .bytes(".inference")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
