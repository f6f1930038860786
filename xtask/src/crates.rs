//! The crates that the server is linked with.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::workspace::cargo;

/// A crate that the server is linked with.
#[derive(Debug)]
pub(crate) struct Crate {
    pub(crate) name: String,
    pub(crate) version: String,
    /// SPDX expression.
    pub(crate) license: String,
    /// Directory of its sources.
    pub(crate) folder: PathBuf,
    /// Whether the crate is part of this repository.
    pub(crate) is_member: bool,
    /// Labels of the linked crates that the crate depends on.
    pub(crate) dependencies: Vec<String>,
}

impl Crate {
    /// Returns name and version, which identify the crate.
    pub(crate) fn label(&self) -> String {
        format!("{} {}", self.name, self.version)
    }
}

/// Returns the server and its dependencies, sorted by label.
///
/// # Errors
/// Returns an error if cargo fails.
pub(crate) fn linked() -> Result<Vec<Crate>> {
    let linked = labels()?;
    let metadata: Value = serde_json::from_str(&output(&[
        "metadata",
        "--locked",
        "--features",
        "jemalloc",
        "--format-version",
        "1",
    ])?)?;
    let packages = list(&metadata["packages"]);
    let by_id: BTreeMap<&str, String> = packages
        .iter()
        .map(|package| (text(&package["id"]), label(package)))
        .filter(|(_, label)| linked.contains(label))
        .collect();
    let mut dependencies: BTreeMap<&str, Vec<String>> = list(&metadata["resolve"]["nodes"])
        .iter()
        .map(|node| (text(&node["id"]), normal_dependencies(node, &by_id)))
        .collect();
    let mut crates: Vec<Crate> = packages
        .iter()
        .filter(|package| by_id.contains_key(text(&package["id"])))
        .map(|package| Crate {
            name: text(&package["name"]).to_owned(),
            version: text(&package["version"]).to_owned(),
            license: text(&package["license"]).to_owned(),
            folder: PathBuf::from(text(&package["manifest_path"]))
                .parent()
                .map(std::path::Path::to_owned)
                .unwrap_or_default(),
            is_member: package["source"].is_null(),
            dependencies: dependencies
                .remove(text(&package["id"]))
                .unwrap_or_default(),
        })
        .collect();
    crates.sort_by_key(Crate::label);
    ensure!(crates.len() > 1, "cargo listed no dependencies of mien");
    Ok(crates)
}

/// Returns the labels of the linked crates.
fn labels() -> Result<BTreeSet<String>> {
    let tree = output(&[
        "tree",
        "--locked",
        "--package",
        "mien",
        "--features",
        "jemalloc",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ])?;
    // A line has the name, `v` and the version, and for a crate of the workspace its path.
    let labels = tree.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let name = words.next()?;
        Some(format!("{name} {}", words.next()?.strip_prefix('v')?))
    });
    Ok(labels.collect())
}

/// Returns the labels of the linked dependencies of a node, without build-dependencies and dev-dependencies.
fn normal_dependencies(node: &Value, by_id: &BTreeMap<&str, String>) -> Vec<String> {
    let is_normal = |dependency: &&Value| {
        let kinds = list(&dependency["dep_kinds"]);
        kinds.iter().any(|kind| kind["kind"].is_null())
    };
    let mut labels: Vec<String> = list(&node["deps"])
        .iter()
        .filter(is_normal)
        .filter_map(|dependency| by_id.get(text(&dependency["pkg"])).cloned())
        .collect();
    labels.sort();
    labels
}

fn label(package: &Value) -> String {
    format!("{} {}", text(&package["name"]), text(&package["version"]))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Returns the standard output of a cargo command.
fn output(args: &[&str]) -> Result<String> {
    let output = cargo(args).output().context("cannot start cargo")?;
    ensure!(
        output.status.success(),
        "`cargo {}` failed: {}",
        args.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}
