//! Builds and starts the programs with their libraries in place.

use std::{os::unix::process::CommandExt, process::Command};

use anyhow::{Context, Result};

use crate::{
    setup,
    workspace::{built, cargo, check, root, runtime},
};

/// `cargo xtask serve`: never returns where the server starts.
///
/// # Errors
/// Where set-up or build fails, or the server cannot start.
pub(crate) fn serve(args: &[String]) -> Result<()> {
    setup::onnx_runtime()?;
    check(cargo(&["build", "--release", "--locked", "--package", "mien"]))?;
    let mut server = Command::new(built("release").join("mien"));
    server.arg("serve");
    let chosen = args.iter().any(|arg| arg == "--models" || arg.starts_with("--models="));
    if !chosen && std::env::var_os("MIEN_MODELS").is_none() {
        server.arg("--models").arg(root().join("models"));
    }
    replace(server.args(args))
}

/// `cargo xtask train`: never returns where the trainer starts.
///
/// # Errors
/// Where set-up or build fails, or the trainer cannot start.
pub(crate) fn train(args: &[String]) -> Result<()> {
    setup::onnx_runtime()?;
    setup::libtorch()?;
    check(cargo(&["build", "--release", "--locked", "--package", "mien-training"]))?;
    replace(Command::new(built("release").join("mien-train")).args(args))
}

/// `cargo xtask test`.
///
/// # Errors
/// Where set-up fails or a test does.
pub(crate) fn test(args: &[String]) -> Result<()> {
    setup::onnx_runtime()?;
    setup::libtorch()?;
    let mut tests = cargo(&["test", "--workspace", "--locked"]);
    tests.args(args);
    with_libraries(&mut tests);
    check(tests)
}

/// The program takes this process's place, so that signals reach it.
fn replace(program: &mut Command) -> Result<()> {
    with_libraries(program);
    let error = program.exec();
    Err(error).with_context(|| format!("cannot start {}", program.get_program().display()))
}

/// Where the loader finds what the programs load: ONNX Runtime by its own variable (one that the user has set
/// wins), the CUDA libraries, where they are installed, by the search path. libtorch needs neither: the
/// trainer was linked with its place.
pub(crate) fn with_libraries(command: &mut Command) {
    if std::env::var_os("ORT_DYLIB_PATH").is_none() {
        command.env("ORT_DYLIB_PATH", runtime().join("onnxruntime/libonnxruntime.so"));
    }
    let mut folders: Vec<_> = setup::nvidia().collect();
    if folders.is_empty() {
        return;
    }
    folders.extend(std::env::var_os("LD_LIBRARY_PATH").iter().flat_map(std::env::split_paths));
    if let Ok(path) = std::env::join_paths(folders) {
        command.env("LD_LIBRARY_PATH", path);
    }
}
