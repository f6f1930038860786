//! Builds and starts the programs with the runtime libraries.

use std::{os::unix::process::CommandExt, process::Command};

use anyhow::{Context, Result};

use crate::{
    setup,
    workspace::{build_debug, built, cargo, check, root, runtime},
};

/// Runs `cargo xtask serve`. Returns only if the server cannot be started.
///
/// # Errors
/// Returns an error if the setup or the build fails, or the server cannot be started.
pub(crate) fn serve(args: &[String]) -> Result<()> {
    build_server()?;
    let mut server = Command::new(built("release").join("mien"));
    server.arg("serve");
    let has_models = args
        .iter()
        .any(|arg| arg == "--models" || arg.starts_with("--models="));
    if !has_models && std::env::var_os("MIEN_MODELS").is_none() {
        server.arg("--models").arg(root().join("models"));
    }
    exec(server.args(args))
}

/// Installs the files that the server needs and builds the release binary of the server, with jemalloc if make is installed.
///
/// # Errors
/// Returns an error if the setup or the build fails.
pub(crate) fn build_server() -> Result<()> {
    setup::serving()?;
    let mut build = cargo(&["build", "--release", "--locked", "--package", "mien"]);
    let make = Command::new("make").arg("--version").output();
    if make.is_ok_and(|make| make.status.success()) {
        build.args(["--features", "jemalloc"]);
    } else {
        eprintln!(
            "make was not found; the server is built without jemalloc and returns less memory to the system"
        );
    }
    check(build)
}

/// Runs `cargo xtask hostile`; arguments are passed to the program.
///
/// # Errors
/// Returns an error if the setup or a build fails, or the server breaks a bound.
pub(crate) fn hostile(args: &[String]) -> Result<()> {
    build_server()?;
    let mut attacks = Command::new(build_debug("mien-hostile")?);
    attacks
        .current_dir(root())
        .env("MIEN", built("release").join("mien"))
        .args(args);
    with_libraries(&mut attacks);
    check(attacks)
}

/// Runs `cargo xtask train`. Returns only if the trainer cannot be started.
///
/// # Errors
/// Returns an error if the setup or the build fails, or the trainer cannot be started.
pub(crate) fn train(args: &[String]) -> Result<()> {
    build_trainer()?;
    exec(Command::new(built("release").join("mien-train")).args(args))
}

/// Installs the libraries that the trainer needs and builds the release binary of the trainer.
///
/// # Errors
/// Returns an error if the setup or the build fails.
pub(crate) fn build_trainer() -> Result<()> {
    setup::serving()?;
    setup::libtorch()?;
    check(cargo(&[
        "build",
        "--release",
        "--locked",
        "--package",
        "mien-training",
    ]))
}

/// Runs `cargo xtask test`.
///
/// # Errors
/// Returns an error if the setup or a test fails.
pub(crate) fn test(args: &[String]) -> Result<()> {
    setup::serving()?;
    setup::libtorch()?;
    setup::ffmpeg()?;
    let mut tests = cargo(&["test", "--workspace", "--locked"]);
    tests.args(args);
    with_libraries(&mut tests);
    check(tests)
}

/// Replaces this process with the program, so that the program receives its signals.
fn exec(program: &mut Command) -> Result<()> {
    with_libraries(program);
    let error = program.exec();
    Err(error).with_context(|| format!("cannot start {}", program.get_program().display()))
}

/// Sets the variables with which a program finds its libraries: `ORT_DYLIB_PATH`, unless the user has set it, and
/// `LD_LIBRARY_PATH` for the CUDA libraries, if they are installed. The path of libtorch is linked into the trainer.
pub(crate) fn with_libraries(command: &mut Command) {
    if std::env::var_os("ORT_DYLIB_PATH").is_none() {
        command.env(
            "ORT_DYLIB_PATH",
            runtime().join("onnxruntime/libonnxruntime.so"),
        );
    }
    let mut directories: Vec<_> = setup::installed::nvidia().collect();
    if directories.is_empty() {
        return;
    }
    directories.extend(
        std::env::var_os("LD_LIBRARY_PATH")
            .iter()
            .flat_map(std::env::split_paths),
    );
    if let Ok(path) = std::env::join_paths(directories) {
        command.env("LD_LIBRARY_PATH", path);
    }
}
