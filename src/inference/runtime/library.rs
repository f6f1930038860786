//! Finds and loads the ONNX Runtime library.

use std::{
    env, fmt,
    path::{Path, PathBuf},
    sync::Mutex,
};

use mien_host::{
    environment::{self, ORT_DISABLE_TELEMETRY},
    sync::lock,
};
use ort::environment::Environment;

use crate::inference::InferenceError;

/// Directory of `cargo xtask setup` in a checkout.
const SETUP_DIR: &str = ".runtime";
/// Subdirectory of the library.
const LIBRARY_DIR: &str = "onnxruntime";

/// Returns the environment of the process, which is created by the first call. ONNX Runtime does not support a second one.
///
/// # Errors
/// Returns an error with the remedy if the library is not found, cannot be loaded or would send telemetry.
pub(super) fn environment() -> Result<Environment, InferenceError> {
    static LOADED: Mutex<Option<Environment>> = Mutex::new(None);
    let mut loaded = lock(&LOADED);
    if let Some(environment) = &*loaded {
        return Ok(environment.clone());
    }
    if !environment::telemetry_is_disabled() {
        return Err(InferenceError::Runtime(format!(
            "{ORT_DISABLE_TELEMETRY} is not 1, so ONNX Runtime would send telemetry. Set {ORT_DISABLE_TELEMETRY}=1 in \
             the environment of the process"
        )));
    }
    let path = find()?;
    let remedy = |error: &dyn fmt::Display| {
        InferenceError::Runtime(format!(
            "cannot use the ONNX Runtime library: {error}. `cargo xtask setup` downloads a suitable one"
        ))
    };
    let builder = ort::init_from(&path).map_err(|error| remedy(&error))?;
    let builder = builder.with_name("mien").with_telemetry(false);
    let environment = builder.build().map_err(|error| remedy(&error))?;
    tracing::info!(library = %path.display(), "loaded ONNX Runtime");
    Ok(loaded.insert(environment).clone())
}

/// Returns the path of the library: `ORT_DYLIB_PATH` if it is set, otherwise the [`installed`] one. If there is none, returns
/// the bare file name, which the system's loader searches for.
fn find() -> Result<PathBuf, InferenceError> {
    if let Some(path) = env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        if path.is_file() {
            return Ok(path);
        }
        return Err(InferenceError::Runtime(format!(
            "ORT_DYLIB_PATH is `{}`, which does not exist. `cargo xtask setup` downloads ONNX Runtime into a checkout",
            path.display()
        )));
    }
    let name = format!(
        "{}onnxruntime{}",
        env::consts::DLL_PREFIX,
        env::consts::DLL_SUFFIX
    );
    Ok(installed(LIBRARY_DIR, &name).unwrap_or_else(|| PathBuf::from(name)))
}

/// Returns the first file that exists in the directory of the executable, in its `lib`, in `../lib`, and in the subdirectory `component`
/// of the setup directories of the checkout and the working directory.
pub(super) fn installed(component: &str, file: &str) -> Option<PathBuf> {
    let setup_dir = |root: &Path| root.join(SETUP_DIR).join(component);
    let mut dirs = Vec::new();
    if let Some(dir) = env::current_exe().ok().as_deref().and_then(Path::parent) {
        dirs.extend([dir.to_owned(), dir.join("lib"), dir.join("../lib")]);
        // A checkout: target/<profile>/mien.
        dirs.extend(dir.ancestors().skip(1).map(setup_dir));
    }
    dirs.push(setup_dir(Path::new("")));
    dirs.into_iter()
        .map(|dir| dir.join(file))
        .find(|path| path.is_file())
}
