//! Helpers of the tests: fixtures, settings, servers, connections and responses.

mod app;
mod connection;
mod response;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use clap::Parser;
use mien::{
    cli::{self, Cli},
    settings::Settings,
};

pub(crate) use self::{
    app::{TestApp, form_of, startup_error},
    connection::{
        connect, http_2, http_client, http_client_builder, read_health_response,
        send_health_request,
    },
    response::{assert_problem, send},
};

/// Returns a path in the directory of the fixtures.
pub(crate) fn fixture(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(path)
}

/// Returns the PNG of the test face of a class.
pub(crate) fn face(class: &str) -> Vec<u8> {
    fs::read(fixture(&format!("faces/{class}.png"))).unwrap()
}

/// Breaks base64 into lines, as `base64` (76 characters) and PEM files (64 characters) have them.
pub(crate) fn base64_lines(base64: &str, width: usize, end: &str) -> String {
    let lines = base64.as_bytes().chunks(width);
    lines
        .map(|line| format!("{}{end}", std::str::from_utf8(line).unwrap()))
        .collect()
}

/// Parses flags of `mien serve`. By default the server serves the fixture models on the CPU, listens on a free port, keeps its
/// state in memory, has no face detector, does not tune, and stops without delay.
pub(crate) fn settings(flags: &[&str]) -> Settings {
    let models = fixture("models");
    let mut arguments = vec!["mien", "serve", "--addr=127.0.0.1:0"];
    if !flags.iter().any(|flag| flag.starts_with("--device=")) {
        arguments.push("--device=cpu");
    }
    if !flags.iter().any(|flag| flag.starts_with("--tune=")) {
        arguments.push("--tune=off");
    }
    if !flags.iter().any(|flag| flag.starts_with("--detector")) {
        arguments.push("--detector=off");
    }
    if !flags.iter().any(|flag| flag.starts_with("--state")) {
        arguments.push("--state=memory");
    }
    if !flags.iter().any(|flag| flag.starts_with("--model")) {
        arguments.extend(["--models", models.to_str().unwrap()]);
    }
    if !flags.iter().any(|flag| flag.starts_with("--drain-delay")) {
        arguments.push("--drain-delay=0s");
    }
    arguments.extend(flags);
    let cli::Command::Serve(settings) = Cli::parse_from(arguments).command else {
        panic!("`serve` was parsed");
    };
    *settings
}

/// Creates a FIFO that has no writer.
pub(crate) fn make_fifo(directory: &Path, name: &str) {
    fs::create_dir_all(directory).unwrap();
    let made = Command::new("mkfifo").arg(directory.join(name)).status();
    assert!(made.unwrap().success());
}

/// Copies a model of the fixtures to `<root>/<name>/<version>`. Each file is renamed into place, so that the server never reads a
/// part of it.
pub(crate) fn install(root: &Path, name: &str, version: &str, from: &str) {
    let directory = root.join(name).join(version);
    fs::create_dir_all(&directory).unwrap();
    for file in fs::read_dir(fixture("models").join(from).join("1")).unwrap() {
        let file = file.unwrap();
        let partial = directory.join(".new");
        fs::copy(file.path(), &partial).unwrap();
        fs::rename(partial, directory.join(file.file_name())).unwrap();
    }
}
