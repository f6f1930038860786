//! The Python wheel with the server, the default model, the student and the client.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::{files, layout, libraries, licenses};
use crate::{
    wheel::pip,
    workspace::{check, root, runtime},
};

/// The models of the wheel: the default model and the fastest one.
const MODELS: [&str; 2] = ["flagship", "student"];

/// Builds the wheel and returns its path. The package `onnxruntime` is a dependency, so the wheel does not contain ONNX Runtime.
///
/// # Errors
/// Returns an error if a file is missing, pip fails or the disk is full.
pub(super) fn build(binary: &Path, output: &Path) -> Result<PathBuf> {
    let project = tempfile::tempdir()?;
    let project = project.path();
    let python = root().join("clients/python");
    for name in ["pyproject.toml", "platform_tag.py"] {
        files::copy(&python.join("wheel").join(name), &project.join(name))?;
    }
    files::copy(&python.join("README.md"), &project.join("README.md"))?;
    let module = project.join("src/mien");
    let is_source = |path: &Path| files::has_extension(path, &["py", "typed"]);
    files::copy_all(&python.join("src/mien"), &module, &is_source)?;
    files::copy(
        &python.join("wheel/_program.py"),
        &module.join("_program.py"),
    )?;

    let server = module.join("_server");
    files::create_dir(&server)?;
    layout::strip(binary, &server.join("mien"))?;
    for model in MODELS {
        let models = root().join("models").join(model);
        files::copy_all(&models, &server.join("models").join(model), &|path| {
            files::has_extension(path, &layout::MODEL_FILES)
        })?;
    }
    let is_model = |path: &Path| files::has_extension(path, &["onnx"]);
    files::copy_all(&runtime().join("yunet"), &server, &is_model)?;
    licenses::collect(&project.join("licenses"))?;

    let glibc = libraries::glibc_version(&server)?.replace('.', "_");
    let platform = format!("manylinux_{glibc}_{}", std::env::consts::ARCH);
    let built = tempfile::tempdir_in(output)?;
    pip::build_wheel(project, built.path(), &platform)?;
    let file = fs::read_dir(built.path())?
        .next()
        .context("pip succeeded but did not write a wheel")??;
    let wheel = output.join(file.file_name());
    fs::rename(file.path(), &wheel)?;
    Ok(wheel)
}

/// Installs the wheel in an empty virtual environment and runs the program and the client.
///
/// # Errors
/// Returns an error if Python has no module `venv`, the installation fails, or the program or the client does not work.
pub(super) fn trial(wheel: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let environment = folder.path().join("venv");
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(&environment);
    check(venv)?;
    let program = |name: &str| {
        let mut command = Command::new(environment.join("bin").join(name));
        command
            .current_dir(folder.path())
            .env_remove("ORT_DYLIB_PATH")
            .env_remove("MIEN_MODELS")
            .env_remove("MIEN_DETECTOR");
        command
    };
    let mut install = program("python");
    install.args(["-m", "pip", "install", "--quiet"]).arg(wheel);
    check(install)?;
    let mut test = program("python");
    test.arg(root().join("clients/python/wheel/trial.py"))
        .arg(environment.join("bin/mien"))
        .arg(root().join("tests/fixtures/photos/astronaut.jpg"));
    check(test)
}
