//! `cargo xtask sbom`: a software bill of materials of the server in the format CycloneDX 1.6.
//!
//! It lists the crates that the server is linked with, the installed runtime libraries, the face detector and the models. It does not list
//! the packages of the base image, because their versions depend on the time of the build.

mod components;
mod lock;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use self::components::{Component, LICENSE};
use crate::{
    crates, setup,
    workspace::{built, commit_time, root},
};

/// Writes the document to a file, by default to `target/sbom.cdx.json`.
///
/// # Errors
/// Returns an error if a runtime library cannot be installed, cargo fails or the disk fails.
pub(crate) fn run(output: Option<PathBuf>) -> Result<()> {
    setup::serving()?;
    let output = output.unwrap_or_else(|| built("sbom.cdx.json"));
    write(&output, &[])?;
    eprintln!("the bill of materials is {}", output.display());
    Ok(())
}

/// Writes the document of the server and of `libraries`, which are files of GCC.
///
/// # Errors
/// Returns an error if cargo fails, or a file cannot be read or written.
pub(crate) fn write(to: &Path, libraries: &[PathBuf]) -> Result<()> {
    let locked = fs::read_to_string(root().join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let checksums = lock::checksums(&locked);
    let crates = crates::linked()?;
    let mut parts: Vec<Component> = crates
        .iter()
        .map(|package| components::package(package, &checksums))
        .collect();
    // The server is the subject of the document.
    let server = crates.iter().position(|package| package.name == "mien");
    let mut server = parts.remove(server.context("cargo does not list the crate `mien`")?);
    let mut files = components::runtime_libraries();
    files.extend(components::models()?);
    files.extend(components::gcc(libraries)?);
    server
        .dependencies
        .extend(files.iter().map(|part| part.reference.clone()));
    parts.extend(files);
    // Equal sources result in equal documents.
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(commit_time()?);
    let text = serde_json::to_string_pretty(&document(&server, &parts, time))?;
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    fs::write(to, text + "\n").with_context(|| format!("cannot write {}", to.display()))
}

fn document(server: &Component, parts: &[Component], time: SystemTime) -> Value {
    let mut subject = server.value.clone();
    subject["type"] = json!("application");
    let dependencies: Vec<Value> = std::iter::once(server)
        .chain(parts)
        .map(|part| json!({"ref": part.reference, "dependsOn": part.dependencies}))
        .collect();
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": humantime::format_rfc3339_seconds(time).to_string(),
            "lifecycles": [{"phase": "build"}],
            "tools": {"components": [{"type": "application", "name": "cargo xtask sbom", "version": env!("CARGO_PKG_VERSION")}]},
            "licenses": [{"expression": LICENSE}],
            "component": subject,
        },
        "components": parts.iter().map(|part| &part.value).collect::<Vec<_>>(),
        "dependencies": dependencies,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn document_has_the_time_and_the_dependencies_of_each_component() {
        let part = |reference: &str, dependencies: &[&str]| Component {
            reference: reference.to_owned(),
            value: json!({"bom-ref": reference, "type": "library"}),
            dependencies: dependencies.iter().map(|&name| name.to_owned()).collect(),
        };
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(86_400);
        let document = document(&part("server", &["a"]), &[part("a", &[])], time);
        assert_eq!(document["metadata"]["timestamp"], "1970-01-02T00:00:00Z");
        assert_eq!(document["metadata"]["component"]["type"], "application");
        assert_eq!(document["components"].as_array().unwrap().len(), 1);
        assert_eq!(
            document["dependencies"],
            json!([{"ref": "server", "dependsOn": ["a"]}, {"ref": "a", "dependsOn": []}])
        );
    }
}
