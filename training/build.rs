//! Passes the path of libtorch to the linker and to the program's search path.

use std::{env, path::Path};

fn main() {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    let Ok(libtorch) = env::var("LIBTORCH") else {
        return;
    };
    let lib = Path::new(&libtorch).join("lib");
    // `cargo xtask setup --gpu` replaces the CPU build by the CUDA build.
    println!("cargo:rerun-if-changed={libtorch}/build-version");
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", lib.display());
    // The program does not refer to a symbol of the CUDA library. The linker would drop the library, and
    // `tch::Cuda::is_available()` would be false.
    if lib.join("libtorch_cuda.so").exists() {
        println!("cargo:rustc-link-arg=-Wl,--no-as-needed,-ltorch_cuda,--as-needed");
    }
}
