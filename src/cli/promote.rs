//! `mien promote`: starts a promotion on a running server and waits for its end.

mod outcome;

use std::{
    io::{self, Write},
    num::NonZeroUsize,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use clap::Args;
use mien_faces::dataset::Split;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::signal::unix::{Signal, SignalKind, signal};

use self::outcome::Promotion;
use super::{
    api_client::{ApiClient, NoResponse},
    progress,
};
use crate::settings::{AdminSettings, parse};

/// Poll interval of the progress.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// Maximum time without a response of the server while the promotion runs.
const RECONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Flags of `mien promote`.
#[derive(Debug, Clone, Args)]
pub struct PromoteArgs {
    /// Name of the model.
    #[arg(value_name = "NAME")]
    name: String,

    /// Candidate version in the repository of the server. It need not be loaded.
    #[arg(value_name = "VERSION")]
    candidate: String,

    /// Name of the data set in --data of the server.
    #[arg(long, value_name = "NAME")]
    dataset: String,

    /// Split of the data set: test (all test images), train, PublicTest or PrivateTest.
    #[arg(long, value_name = "SPLIT", default_value = "test")]
    split: Split,

    /// Maximum number of images. The same images are chosen each time, every class in proportion.
    #[arg(long, value_name = "COUNT", value_parser = parse::number::<10_000_000>)]
    limit: Option<NonZeroUsize>,

    #[command(flatten)]
    criterion: CriterionArgs,

    /// Loaded version that --max-regression compares with. By default the serving version.
    #[arg(long, value_name = "VERSION", conflicts_with = "min_accuracy")]
    baseline_version: Option<String>,

    /// URL of the server.
    #[arg(
        long,
        env = "MIEN_URL",
        value_name = "http://HOST:PORT",
        default_value = "http://127.0.0.1:8080"
    )]
    url: String,

    #[command(flatten)]
    admin: AdminSettings,

    /// Print JSON in the format of `/v1/models/NAME/promotions/ID`.
    #[arg(long)]
    json: bool,
}

/// Acceptance criterion.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
struct CriterionArgs {
    /// Minimum accuracy of the candidate, 0 to 1.
    #[arg(long, value_name = "ACCURACY")]
    min_accuracy: Option<f64>,

    /// Non-inferiority margin, 0 to 1: how much lower the accuracy may be than that of the baseline version. The lower end of
    /// the 95 % interval of the difference on the same images must be at least -MARGIN.
    #[arg(long, value_name = "MARGIN")]
    max_regression: Option<f64>,
}

impl PromoteArgs {
    /// Starts the promotion, shows its progress and prints the result. Ctrl-C cancels the promotion on the server.
    ///
    /// # Errors
    /// Returns an error if standard output cannot be written. Other errors are printed and determine the exit code.
    pub async fn run(&self) -> anyhow::Result<ExitCode> {
        let document = match self.promote().await {
            Ok(document) => document,
            Err(error) => {
                writeln!(io::stderr(), "Error: {error:?}")?;
                return Ok(outcome::exit_code_of(&error));
            }
        };
        let promotion = Promotion::deserialize(&document)?;
        let mut out = io::stdout().lock();
        if self.json {
            serde_json::to_writer_pretty(&mut out, &document).map_err(io::Error::from)?;
            writeln!(out)?;
        } else {
            writeln!(out, "{}", promotion.sentence())?;
        }
        Ok(promotion.exit_code())
    }

    /// Starts the promotion and returns it when it has ended.
    async fn promote(&self) -> anyhow::Result<Value> {
        let server = ApiClient::new(&self.url, self.admin.token())?;
        // From here on, Ctrl-C does not end the command without cancelling the promotion.
        let mut interrupts = signal(SignalKind::interrupt())?;
        let path = ["v1", "models", &self.name, "promotions"];
        let created = server
            .send(Method::POST, &path, Some(&self.request()))
            .await?;
        let id = Promotion::deserialize(&created)
            .context("cannot read the response of the server")?
            .id;
        writeln!(
            io::stderr(),
            "promotion {id} has started; Ctrl-C cancels it"
        )?;
        let path = [&path[..], &[&id]].concat();
        tokio::select! {
            ended = wait(&server, &path) => ended,
            _ = interrupts.recv() => cancel(&server, &path, &mut interrupts).await,
        }
    }

    fn request(&self) -> Value {
        let criterion = &self.criterion;
        let mut request = json!({
            "version": self.candidate, "dataset": self.dataset, "split": self.split, "limit": self.limit,
            "min_accuracy": criterion.min_accuracy, "max_regression": criterion.max_regression, "baseline_version": self.baseline_version,
        });
        if let Some(request) = request.as_object_mut() {
            request.retain(|_, value| !value.is_null());
        }
        request
    }
}

/// Polls until the promotion has ended and returns it.
async fn wait(server: &ApiClient, path: &[&str]) -> anyhow::Result<Value> {
    let bar = progress::bar(0);
    let mut last_response = Instant::now();
    loop {
        let document = match server.send(Method::GET, path, None).await {
            Ok(document) => document,
            // The server may be restarting; it then knows the result.
            Err(error)
                if error.is::<NoResponse>() && last_response.elapsed() < RECONNECT_TIMEOUT =>
            {
                tokio::time::sleep(POLL_INTERVAL).await;
                continue;
            }
            Err(error) => return Err(error.context("the promotion continues on the server")),
        };
        last_response = Instant::now();
        let Promotion { status, images, .. } = Promotion::deserialize(&document)?;
        bar.set_length(images.total);
        bar.set_position(images.done);
        if status.is_final() {
            bar.finish_and_clear();
            return Ok(document);
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Cancels the promotion and returns it. A promotion that has just ended is not changed. A second Ctrl-C ends the command.
async fn cancel(
    server: &ApiClient,
    path: &[&str],
    interrupts: &mut Signal,
) -> anyhow::Result<Value> {
    writeln!(
        io::stderr(),
        "cancelling the promotion; Ctrl-C again leaves it running"
    )?;
    tokio::select! {
        cancelled = server.send(Method::DELETE, path, None) => {
            cancelled.context("the promotion may continue on the server")
        }
        _ = interrupts.recv() => {
            bail!("the promotion may continue on the server; DELETE /{} cancels it", path.join("/"))
        }
    }
}
