//! Everything that must pass before a change lands, in the order in which it fails fastest.

use std::time::Instant;

use anyhow::{Context, Result};

use crate::{
    e2e, imports, openapi, run, setup,
    workspace::{cargo, check, root},
};

/// A step and its name.
type Step = (&'static str, fn() -> Result<()>);

/// Runs all steps and stops at the first that fails.
///
/// # Errors
/// The step that failed.
pub(crate) fn run() -> Result<()> {
    let steps: [Step; 10] = [
        ("format", || check(cargo(&["fmt", "--all", "--check"])).context("run `cargo fmt --all`")),
        ("imports", || imports::check(&root()).and_then(|()| imports::check_server_dependencies())),
        ("setup", || {
            setup::onnx_runtime()?;
            setup::libtorch()?;
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
        ("deny", || if_installed("deny", &["check"])),
        ("machete", || if_installed("machete", &[])),
        ("openapi", || openapi::run(true)),
        ("test", || run::test(&[])),
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

/// Runs a cargo subcommand that not every machine has, and says so where it is missing.
fn if_installed(subcommand: &str, args: &[&str]) -> Result<()> {
    let found = cargo(&[subcommand, "--version"]).output().is_ok_and(|out| out.status.success());
    if !found {
        eprintln!("skipped: `cargo install cargo-{subcommand}` brings it");
        return Ok(());
    }
    let mut command = cargo(&[subcommand]);
    command.args(args);
    check(command)
}
