//! `mien bench`: what serving costs.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, bail};
use clap::Args;

use super::model::{find, list};
use crate::{
    bench::{
        load::{Target, Timing, closed_loop},
        process::Process,
        report,
        suite::{self, CONNECTIONS, Setup},
    },
    client::{address, request},
    inference::runtime::{CudaOptions, DeviceChoice, Runtime},
    models::{by_recorded_accuracy, name::ModelName, policy::VersionPolicies},
};

/// Flags of `mien bench`.
#[derive(Debug, Clone, Args)]
pub struct BenchArgs {
    /// The models folder: NAME/VERSION/model.onnx, VERSION a positive integer.
    #[arg(long, env = "MIEN_MODELS", value_name = "DIR", default_value = "models")]
    models: PathBuf,

    /// A network to measure; repeatable. Without it the one with the best recorded accuracy.
    #[arg(long, value_name = "NAME[@VERSION]")]
    model: Vec<ModelName>,

    /// The version's folder of a network that does nothing, which shows what the server itself costs.
    #[arg(long, value_name = "DIR", default_value = "bench/models/noop/1")]
    noop: PathBuf,

    /// A folder of PNG files to send.
    #[arg(long, value_name = "DIR", default_value = "tests/fixtures/faces")]
    faces: PathBuf,

    /// How long each load is measured, after a fifth of that to warm up.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    duration: Duration,

    /// How long the curve of ONNX Runtime alone is measured.
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = humantime::parse_duration)]
    budget: Duration,

    /// A fifth of these times: a look, not a figure to publish.
    #[arg(long)]
    quick: bool,

    /// Print JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    foreign: ForeignArgs,
}

/// A server that runs already, of whatever kind.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Another server")]
struct ForeignArgs {
    /// Put load on this address alone, by POST.
    #[arg(long, value_name = "http://HOST:PORT/PATH")]
    url: Option<String>,

    /// The server's process: its CPU time and its children's are measured.
    #[arg(long, value_name = "PID", requires = "url")]
    pid: Option<u32>,

    /// A file to send as the body; repeatable. Without it the faces.
    #[arg(long, value_name = "FILE", requires = "url")]
    body: Vec<PathBuf>,

    /// A header to send; repeatable. Without it that of a PNG.
    #[arg(long, value_name = "NAME: VALUE", requires = "url", value_parser = header)]
    header: Vec<(String, String)>,

    /// What the body of every answer must hold.
    #[arg(long, value_name = "TEXT", default_value = "\"label\"")]
    expect: String,
}

impl BenchArgs {
    /// Measures and prints.
    ///
    /// # Errors
    /// When a model, the pictures or the server cannot be used.
    pub async fn run(&self) -> anyhow::Result<()> {
        if let Some(url) = &self.foreign.url {
            return self.run_foreign(url).await;
        }
        let setup = Setup {
            faces: suite::read_faces(&self.faces)?,
            timing: self.timing(),
            budget: self.budget / self.divisor(),
            runtime: Runtime::load(DeviceChoice::Cpu, CudaOptions::default())?,
        };
        let mut studies = Vec::new();
        for (name, version) in self.networks()? {
            let study = suite::study(&setup, &name, &version).await?;
            if !self.json {
                print(&report::study(&study))?;
            }
            studies.push(study);
        }
        if self.json {
            print(&format!("{}\n", serde_json::to_string_pretty(&studies)?))?;
        }
        Ok(())
    }

    async fn run_foreign(&self, url: &str) -> anyhow::Result<()> {
        let (addr, path) = address(url)?;
        let ForeignArgs { body, header, expect, pid, .. } = &self.foreign;
        let bodies = match body.as_slice() {
            [] => suite::read_faces(&self.faces)?,
            files => files
                .iter()
                .map(|file| fs::read(file).with_context(|| format!("reading {}", file.display())))
                .collect::<anyhow::Result<_>>()?,
        };
        let png = [("content-type".to_owned(), "image/png".to_owned())];
        let headers = if header.is_empty() { &png[..] } else { header };
        let target = Target {
            addr,
            requests: bodies.iter().map(|b| request("POST", addr, path, headers, b)).collect(),
            expect: expect.clone(),
            process: pid.map(Process),
        };
        let mut legs = Vec::new();
        for connections in CONNECTIONS {
            legs.push(closed_loop(&target, connections, self.timing()).await?);
        }
        if self.json {
            return print(&format!("{}\n", serde_json::to_string_pretty(&legs)?));
        }
        print(&report::legs(url, &legs))
    }

    fn divisor(&self) -> u32 {
        if self.quick { 5 } else { 1 }
    }

    fn timing(&self) -> Timing {
        let measured = self.duration / self.divisor();
        Timing { warm_up: measured / 5, measured }
    }

    /// Names and version folders of what is measured, the network that does nothing last.
    fn networks(&self) -> anyhow::Result<Vec<(String, PathBuf)>> {
        let listing = list(&self.models)?;
        let mut names = self.model.clone();
        if names.is_empty() {
            let latest = VersionPolicies::new(&[], []).map_err(anyhow::Error::msg)?;
            let best = by_recorded_accuracy(&listing, &latest, &BTreeMap::new());
            let best = best.into_iter().next();
            names.extend(best.map(|best| ModelName { name: best.name, version: None }));
        }
        let mut networks = Vec::new();
        for wanted in names {
            let (_, found) = find(&self.models, &listing, &wanted)?;
            networks.push((wanted.name, found.folder.clone()));
        }
        if !self.noop.is_dir() {
            bail!(
                "`{}` is no folder; name that of the no-op network with --noop",
                self.noop.display()
            );
        }
        networks.push(("noop".to_owned(), self.noop.clone()));
        Ok(networks)
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("expected NAME: VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("writing the figures")
}
