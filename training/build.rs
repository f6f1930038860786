//! Passes the path of libtorch to the linker and to the program's search path.

use std::{env, path::Path};

fn main() {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    let Ok(libtorch) = env::var("LIBTORCH") else {
        return;
    };
    let lib = Path::new(&libtorch).join("lib");
    // Set-up may put the CUDA build in the place of the CPU one.
    println!("cargo:rerun-if-changed={libtorch}/build-version");
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", lib.display());
    // Nothing in the program names a symbol of the CUDA part, so the linker would drop it, and
    // `tch::Cuda::is_available()` would silently be false.
    if lib.join("libtorch_cuda.so").exists() {
        println!("cargo:rustc-link-arg=-Wl,--no-as-needed,-ltorch_cuda,--as-needed");
    }
}
