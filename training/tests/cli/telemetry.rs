//! The telemetry client of ONNX Runtime stays off: no file in the home directory.

use std::fs;

use crate::common::{command, data_set, recipe, succeeds, text, train_small};

#[test]
fn export_writes_no_file_to_home() {
    let folder = tempfile::tempdir().unwrap();
    let (data, recipe) = (data_set(folder.path()), recipe(folder.path()));
    let [run, model, home] = ["run", "m/1/model.onnx", "home"].map(|name| folder.path().join(name));
    fs::create_dir(&home).unwrap();
    succeeds(&[&train_small(&data, &recipe, &run)[..], &["--epochs", "1"]].concat());
    // `.cargo/config.toml` sets the first variable for tests.
    let output = command(&["export", text(&run), "--out", text(&model)])
        .env_remove("ORT_DISABLE_TELEMETRY")
        .env_remove("XDG_CACHE_HOME")
        .env("HOME", &home)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let files: Vec<_> = fs::read_dir(&home).unwrap().collect();
    assert!(files.is_empty(), "{files:?}");
}
