//! Runs the fuzz targets of `fuzz/`.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::{
    setup::tools,
    workspace::{check, root},
};

mod seeds;

/// Runs one target or all targets for `seconds` each. The first inputs are seeds and the inputs of earlier runs.
///
/// No sanitizer is used: sanitizers need a nightly toolchain, and the crates forbid `unsafe` code.
///
/// # Errors
/// Returns an error if the target does not exist or cannot be built, or an input makes it panic, hang or use too much
/// memory.
pub(crate) fn run(name: Option<&str>, seconds: u32) -> Result<()> {
    let targets = seeds::TARGETS
        .iter()
        .filter(|target| name.is_none_or(|name| name == target.name));
    let targets: Vec<_> = targets.collect();
    if targets.is_empty() {
        let known: Vec<_> = seeds::TARGETS.iter().map(|target| target.name).collect();
        bail!(
            "no fuzz target is named {}; expected {}",
            name.unwrap_or_default(),
            known.join(", ")
        );
    }
    for target in targets {
        eprintln!("== {}", target.name);
        let corpus = root().join("fuzz/corpus").join(target.name);
        fs::create_dir_all(&corpus)
            .with_context(|| format!("cannot create {}", corpus.display()))?;
        for (seed, bytes) in (target.seeds)()? {
            fs::write(corpus.join(&seed), bytes).with_context(|| format!("cannot write {seed}"))?;
        }
        let mut fuzz = tools::CARGO_FUZZ.command()?;
        fuzz.args(["run", "--sanitizer", "none", target.name, "--"]);
        fuzz.args([
            "-rss_limit_mb=1024",
            "-timeout=10",
            "-max_len=65536",
            "-print_final_stats=1",
        ]);
        fuzz.arg(format!("-max_total_time={seconds}"));
        check(fuzz).with_context(|| {
            format!(
                "the input is in fuzz/artifacts/{}; add a unit test with it",
                target.name
            )
        })?;
    }
    Ok(())
}
