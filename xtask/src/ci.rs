//! The checks that a change must pass, the fastest ones first.

use std::{process::Stdio, time::Instant};

use anyhow::{Context, Result};

use crate::{
    client_check, docs, e2e, imports, openapi, run,
    setup::{self, tools},
    workspace::{cargo, check, root},
};

/// A step and its name.
type Step = (&'static str, fn() -> Result<()>);

/// Runs all steps and stops at the first that fails.
///
/// # Errors
/// Returns the error of the step that failed.
pub(crate) fn run() -> Result<()> {
    let steps: [Step; 14] = [
        ("format", || {
            check(cargo(&["fmt", "--all", "--check"])).context("run `cargo fmt --all`")
        }),
        ("imports", imports),
        ("spelling", || check(tools::TYPOS.command()?)),
        ("setup", || {
            setup::serving()?;
            setup::libtorch()?;
            tools::axe_core()?;
            e2e::browser().map(drop)
        }),
        ("clippy", || {
            check(cargo(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                "--",
                "-D",
                "warnings",
            ]))
        }),
        ("docs", || {
            let mut docs = cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
            docs.env("RUSTDOCFLAGS", "-D warnings");
            check(docs)
        }),
        ("fuzz lock file", fuzz_lock_file),
        ("licenses", licenses),
        ("unused dependencies", unused_dependencies),
        ("openapi", || openapi::run(true)),
        ("configuration", || docs::run(true)),
        ("test", || run::test(&[])),
        ("Python client", || client_check::run(false)),
        ("e2e", || e2e::run(&[])),
    ];
    for (name, step) in steps {
        eprintln!("== {name}");
        let start = Instant::now();
        step().with_context(|| format!("step `{name}`"))?;
        eprintln!("== {name}: done in {:.0} s", start.elapsed().as_secs_f64());
    }
    Ok(())
}

/// Checks the imports between modules and files, and the packages that the server depends on.
///
/// # Errors
/// Returns an error that lists the forbidden imports, the cycles or the forbidden package.
pub(crate) fn imports() -> Result<()> {
    imports::check(&root())?;
    imports::check_server_dependencies()
}

/// Checks the dependencies against the RustSec database, which is on GitHub.
///
/// # Errors
/// Returns an error if the database cannot be fetched, or a dependency has an advisory.
pub(crate) fn advisories() -> Result<()> {
    let mut deny = tools::CARGO_DENY.command()?;
    deny.args(["--workspace", "--locked", "check", "advisories"]);
    check(deny)
}

/// Checks licences, sources and banned crates. [`advisories`] are checked daily instead, because a new one
/// must not break a commit that passed before.
fn licenses() -> Result<()> {
    let mut deny = tools::CARGO_DENY.command()?;
    deny.args([
        "--workspace",
        "--locked",
        "check",
        "bans",
        "licenses",
        "sources",
    ]);
    check(deny)
}

/// Checks that `fuzz/Cargo.lock` matches the manifests of the workspace. `cargo fuzz` would change the file silently.
fn fuzz_lock_file() -> Result<()> {
    let mut metadata = cargo(&["metadata", "--locked", "--format-version", "1"]);
    metadata
        .args(["--manifest-path", "fuzz/Cargo.toml"])
        .stdout(Stdio::null());
    check(metadata)
        .context("run `cargo metadata --manifest-path fuzz/Cargo.toml` and commit fuzz/Cargo.lock")
}

fn unused_dependencies() -> Result<()> {
    let mut shear = tools::CARGO_SHEAR.command()?;
    shear.args(["--locked", "--deny-warnings"]);
    check(shear)
}
