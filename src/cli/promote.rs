//! `mien promote`: starts a promotion on one or several running servers and waits for its end.

mod outcome;
mod rollout;
mod run;

use std::{
    io::{self, Write},
    num::NonZeroUsize,
    process::ExitCode,
};

use clap::Args;
use mien_faces::dataset::Split;
use serde_json::{Value, json};

use self::rollout::PromotedServer;
use crate::settings::{AdminSettings, parse};

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

    /// Non-inferiority margin for each group of at least 30 images, 0 to 1. The groups are those of groups.csv, brightness, contrast and
    /// blur.
    #[arg(
        long,
        value_name = "MARGIN",
        requires = "max_regression",
        value_parser = parse::share
    )]
    max_group_regression: Option<f64>,

    /// Minimum number of images that the shadow of the candidate must have compared with the serving version.
    #[arg(
        long,
        value_name = "COUNT",
        requires = "min_shadow_agreement",
        value_parser = parse::number::<1_000_000_000>
    )]
    min_shadow_images: Option<NonZeroUsize>,

    /// Minimum agreement of the shadow, 0 to 1: the share of the images for which both versions predicted the same label.
    #[arg(
        long,
        value_name = "SHARE",
        requires = "min_shadow_images",
        value_parser = parse::share
    )]
    min_shadow_agreement: Option<f64>,

    /// Loaded version that --max-regression compares with. By default the serving version.
    #[arg(long, value_name = "VERSION", conflicts_with = "min_accuracy")]
    baseline_version: Option<String>,

    /// URL of the server. Repeatable; in the variable, entries are separated by commas. With several servers, the version is promoted on
    /// one after the other, except on servers that serve it already. If a server does not promote the version, the servers that have
    /// promoted it serve their previous versions again.
    #[arg(
        long = "url",
        env = "MIEN_URL",
        value_name = "URL",
        value_delimiter = ',',
        default_value = "http://127.0.0.1:8080"
    )]
    urls: Vec<String>,

    #[command(flatten)]
    admin: AdminSettings,

    /// Print JSON in the format of `/v1/models/NAME/promotions/ID`; with several servers, an array with `url`, `promotion` and
    /// `rolled_back` of each server on which the promotion was started.
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
    /// Starts the promotions, shows their progress and prints the results. Ctrl-C cancels the running promotion on its server.
    ///
    /// # Errors
    /// Returns an error if standard output cannot be written. Other errors are printed and determine the exit code.
    pub async fn run(&self) -> anyhow::Result<ExitCode> {
        let mut servers = Vec::new();
        let ended = self.roll_out(&mut servers).await;
        self.print(&servers)?;
        if let Err(error) = ended {
            writeln!(io::stderr(), "Error: {error:?}")?;
            return Ok(outcome::exit_code_of(&error));
        }
        // Without a promotion, every server serves the version already.
        let code = servers.last().map(|server| server.promotion.exit_code());
        Ok(code.unwrap_or(ExitCode::SUCCESS))
    }

    /// Prints the outcome of each server.
    fn print(&self, servers: &[PromotedServer]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let is_list = self.urls.len() > 1;
        if servers.is_empty() && !is_list {
            return Ok(());
        }
        if self.json {
            let documents: Vec<Value> = servers.iter().map(PromotedServer::document).collect();
            let document = match &servers {
                [server] if !is_list => &server.document,
                _ => &Value::Array(documents),
            };
            serde_json::to_writer_pretty(&mut out, document)?;
            return writeln!(out);
        }
        for server in servers {
            if is_list {
                write!(out, "{}: ", server.url)?;
            }
            writeln!(out, "{}", server.sentence())?;
        }
        Ok(())
    }

    fn request(&self) -> Value {
        let criterion = &self.criterion;
        let mut request = json!({
            "version": self.candidate, "dataset": self.dataset, "split": self.split, "limit": self.limit,
            "min_accuracy": criterion.min_accuracy, "max_regression": criterion.max_regression,
            "max_group_regression": self.max_group_regression, "baseline_version": self.baseline_version,
        });
        if let (Some(images), Some(agreement)) = (self.min_shadow_images, self.min_shadow_agreement)
        {
            request["shadow"] = json!({"min_images": images, "min_agreement": agreement});
        }
        if let Some(request) = request.as_object_mut() {
            request.retain(|_, value| !value.is_null());
        }
        request
    }
}
