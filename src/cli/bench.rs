//! `mien bench`: measures the cost of serving.

mod external;

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};

use mien_loadgen::window::Timing;

use self::external::ExternalArgs;
use super::{
    engine::load_runtime,
    model::{find, list},
};
use crate::{
    bench::{
        report,
        suite::{self, Setup},
    },
    inference::{
        InferenceError,
        engine::{Execution, Precision},
        runtime::{DeviceChoice, Runtime},
    },
    models::{
        name::ModelName,
        policy::VersionPolicies,
        rank_by_accuracy,
        repository::{Repository, VersionDir},
        version_files::VersionFiles,
    },
    settings::parse,
};

/// Maximum time of an inference call.
const INFERENCE_TIMEOUT: Duration = Duration::from_secs(60);

/// Flags of `mien bench`.
#[derive(Debug, Clone, Args)]
pub struct BenchArgs {
    /// Model repository with the layout NAME/VERSION/model.onnx. VERSION is a positive integer.
    #[arg(
        long,
        env = "MIEN_MODELS",
        value_name = "DIR",
        default_value = "models"
    )]
    models: PathBuf,

    /// Network to measure. Repeatable. By default the model with the best recorded accuracy.
    #[arg(long, value_name = "NAME[@VERSION]")]
    model: Vec<ModelName>,

    /// Version directory of a no-op network, which shows the cost of the server itself.
    #[arg(long, value_name = "DIR", default_value = "bench/models/noop/1")]
    noop: PathBuf,

    /// Directory of PNG files to send.
    #[arg(long, value_name = "DIR", default_value = "tests/fixtures/faces")]
    faces: PathBuf,

    /// Duration of each load. A warm-up of a fifth of this duration precedes it.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse::positive_duration)]
    duration: Duration,

    /// Duration of measuring the curve of raw ONNX Runtime.
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = parse::positive_duration)]
    budget: Duration,

    /// Use a fifth of these durations, for a quick check. Do not publish these figures.
    #[arg(long)]
    quick: bool,

    /// Print JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    engine: BenchEngine,

    #[command(flatten)]
    external: ExternalArgs,
}

/// Flags of the engine.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Engine")]
struct BenchEngine {
    /// Engine of the server, and of the sessions that the server is compared with: the default provider of ONNX Runtime, or OpenVINO
    /// in a precision.
    #[arg(long, value_enum, default_value = "onnxruntime")]
    engine: EngineChoice,

    /// File of the OpenVINO plugin. By default the file that `cargo xtask setup` installs.
    #[arg(long, env = "MIEN_OPENVINO_PLUGIN", value_name = "FILE")]
    openvino_plugin: Option<PathBuf>,
}

/// An engine in a precision.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum EngineChoice {
    /// The default provider.
    Onnxruntime,
    /// OpenVINO in single precision.
    OpenvinoFp32,
    /// OpenVINO in bfloat16.
    OpenvinoBf16,
}

impl BenchEngine {
    fn runtime(&self) -> Result<Runtime, InferenceError> {
        let plugin = self.openvino_plugin.clone();
        load_runtime(DeviceChoice::Cpu, plugin, INFERENCE_TIMEOUT, None)
    }
}

impl EngineChoice {
    fn execution(self) -> Execution {
        match self {
            Self::Onnxruntime => Execution::default(),
            Self::OpenvinoFp32 => Execution::openvino(Precision::Fp32),
            Self::OpenvinoBf16 => Execution::openvino(Precision::Bf16),
        }
    }
}

impl BenchArgs {
    /// Measures and prints the figures.
    ///
    /// # Errors
    /// Returns an error if a model, the images or the server cannot be used.
    pub async fn run(&self) -> anyhow::Result<()> {
        if let Some(url) = &self.external.url {
            let results = self.external.measure(url, &self.faces, self.timing());
            let results = results.await?;
            if self.json {
                return print(&format!("{}\n", serde_json::to_string_pretty(&results)?));
            }
            return print(&report::results(url, &results));
        }
        let setup = Setup {
            faces: suite::read_faces(&self.faces)?,
            timing: self.timing(),
            budget: self.budget / self.divisor(),
            runtime: self.engine.runtime()?,
            execution: self.engine.engine.execution(),
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

    fn divisor(&self) -> u32 {
        if self.quick { 5 } else { 1 }
    }

    fn timing(&self) -> Timing {
        let measured = self.duration / self.divisor();
        Timing {
            warm_up: measured / 5,
            measured,
        }
    }

    /// Returns the names and versions of the models to measure, the no-op network last.
    fn networks(&self) -> anyhow::Result<Vec<(String, VersionDir)>> {
        let listing = list(&self.models)?;
        let mut names = self.model.clone();
        if names.is_empty() {
            let latest = VersionPolicies::new(&[], []).map_err(anyhow::Error::msg)?;
            let best = rank_by_accuracy(&listing, &latest, &BTreeMap::new(), |dir| {
                Some(VersionFiles::from(dir))
            });
            let best = best.into_iter().next();
            names.extend(best.map(|best| ModelName {
                name: best.name,
                version: None,
            }));
        }
        let mut networks = Vec::new();
        for name in names {
            let (_, found) = find(&self.models, &listing, &name)?;
            networks.push((name.name, found.clone()));
        }
        if !self.noop.is_dir() {
            bail!(
                "`{}` is not a directory; set the directory of the no-op network with --noop",
                self.noop.display()
            );
        }
        let repository = Arc::new(Repository::Directory(self.models.clone()));
        let noop = VersionDir::new(&repository, self.noop.clone())
            .with_context(|| format!("`{}` cannot be read", self.noop.display()))?;
        networks.push(("noop".to_owned(), noop));
        Ok(networks)
    }
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .context("cannot write the figures")
}
