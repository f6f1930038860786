//! `mien promote`: orders a promotion of a running server and waits for its end.

use std::{
    io::{self, Write},
    num::NonZeroUsize,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context;
use clap::Args;
use mien_faces::dataset::Split;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{api_client::Server, progress};
use crate::{auth::AdminToken, client::encoded, store::PromotionStatus};

/// How often the server is asked how far it is.
const LOOK: Duration = Duration::from_millis(500);
/// How long a server may be gone that is asked how far it is.
const PATIENCE: Duration = Duration::from_secs(30);

/// Flags of `mien promote`.
#[derive(Debug, Clone, Args)]
pub struct PromoteArgs {
    /// The model.
    #[arg(value_name = "NAME")]
    name: String,

    /// The version that is to serve, in the server's models folder. It need not be loaded.
    #[arg(value_name = "VERSION")]
    candidate: String,

    /// The data set to evaluate it on, as the server's --data names it.
    #[arg(long, value_name = "NAME")]
    dataset: String,

    /// Which images: test (all of them), train, PublicTest or PrivateTest.
    #[arg(long, value_name = "SPLIT", default_value = "test")]
    split: Split,

    /// At most so many images: the same ones each time, every class in proportion.
    #[arg(long, value_name = "COUNT")]
    limit: Option<NonZeroUsize>,

    #[command(flatten)]
    rule: RuleArgs,

    /// The loaded version that --max-regression compares with. By default the one that serves.
    #[arg(long, value_name = "VERSION", conflicts_with = "min_accuracy")]
    baseline_version: Option<String>,

    /// The server.
    #[arg(
        long,
        env = "MIEN_URL",
        value_name = "http://HOST:PORT",
        default_value = "http://127.0.0.1:8080"
    )]
    url: String,

    /// The server's admin token, where it has one. Better set by the variable, for flags are seen by every user of the
    /// machine.
    #[arg(long, env = "MIEN_ADMIN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<AdminToken>,

    /// Print JSON: the promotion as `/v1/models/NAME/promotions/ID` gives it.
    #[arg(long)]
    json: bool,
}

/// What the version must reach.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
struct RuleArgs {
    /// The accuracy that it must reach, 0 to 1.
    #[arg(long, value_name = "ACCURACY")]
    min_accuracy: Option<f64>,

    /// The non-inferiority margin, 0 to 1: how much lower its accuracy may be than that of the baseline version. The lower
    /// end of the 95 % interval of the difference on the same images must not be below -MARGIN.
    #[arg(long, value_name = "MARGIN")]
    max_regression: Option<f64>,
}

/// A promotion as far as it matters here.
#[derive(Debug, Deserialize)]
struct Promotion {
    id: String,
    model: String,
    version: String,
    status: PromotionStatus,
    previous: Option<String>,
    images: Images,
    reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Images {
    done: u64,
    total: u64,
}

impl PromoteArgs {
    /// Orders the promotion, shows how far it is, and prints what became of it.
    ///
    /// # Errors
    /// When the server refuses the order, or cannot be reached.
    pub async fn run(&self) -> anyhow::Result<ExitCode> {
        let mut server = Server::new(&self.url, self.token.as_ref())?;
        let path = format!("/v1/models/{}/promotions", encoded(&self.name));
        let order = server.ask("POST", &path, Some(&self.order())).await?;
        let id = Promotion::deserialize(&order).context("reading the server's answer")?.id;
        let document = wait(&mut server, &format!("{path}/{id}")).await?;
        let promotion = Promotion::deserialize(&document)?;
        let mut out = io::stdout().lock();
        if self.json {
            serde_json::to_writer_pretty(&mut out, &document).map_err(io::Error::from)?;
            writeln!(out)?;
        } else {
            writeln!(out, "{}", promotion.sentence())?;
        }
        let promoted = promotion.status == PromotionStatus::Promoted;
        Ok(if promoted { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn order(&self) -> Value {
        let rule = &self.rule;
        let mut order = json!({
            "version": self.candidate, "dataset": self.dataset, "split": self.split, "limit": self.limit,
            "min_accuracy": rule.min_accuracy, "max_regression": rule.max_regression, "baseline_version": self.baseline_version,
        });
        if let Some(order) = order.as_object_mut() {
            order.retain(|_, value| !value.is_null());
        }
        order
    }
}

/// Asks until the promotion has ended; its document.
async fn wait(server: &mut Server, path: &str) -> anyhow::Result<Value> {
    let bar = progress::bar(0);
    let mut last_heard = Instant::now();
    loop {
        let document = match server.ask("GET", path, None).await {
            Ok(document) => document,
            // It may be on its way up again, and knows then what became of it.
            Err(error) if error.is::<io::Error>() && last_heard.elapsed() < PATIENCE => {
                tokio::time::sleep(LOOK).await;
                continue;
            }
            Err(error) => return Err(error.context("the promotion goes on without being watched")),
        };
        last_heard = Instant::now();
        let Promotion { status, images, .. } = Promotion::deserialize(&document)?;
        bar.set_length(images.total);
        bar.set_position(images.done);
        if status.is_final() {
            bar.finish_and_clear();
            return Ok(document);
        }
        tokio::time::sleep(LOOK).await;
    }
}

impl Promotion {
    fn sentence(&self) -> String {
        let Self { model, version, .. } = self;
        let reason = self.reason.as_deref().unwrap_or("no reason is given");
        let before = match &self.previous {
            Some(previous) => format!("; version {previous} serves on"),
            None => String::new(),
        };
        match self.status {
            PromotionStatus::Promoted => format!("{model}: version {version} serves now: {reason}"),
            PromotionStatus::Rejected => {
                format!("{model}: version {version} is rejected{before}: {reason}")
            }
            PromotionStatus::Cancelled => {
                format!(
                    "{model}: the promotion of version {version} was cancelled{before}: {reason}"
                )
            }
            PromotionStatus::Failed
            | PromotionStatus::Queued
            | PromotionStatus::Loading
            | PromotionStatus::Evaluating => {
                format!("{model}: the promotion of version {version} failed: {reason}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_in_one_sentence() {
        let text = |status: &str| {
            let document = json!({
                "id": "x", "model": "m", "version": "2", "previous": "1", "status": status,
                "images": {"done": 7, "total": 7}, "reason": "why",
            });
            Promotion::deserialize(&document).unwrap().sentence()
        };
        assert_eq!(text("promoted"), "m: version 2 serves now: why");
        assert_eq!(text("rejected"), "m: version 2 is rejected; version 1 serves on: why");
        assert_eq!(
            text("cancelled"),
            "m: the promotion of version 2 was cancelled; version 1 serves on: why"
        );
        assert_eq!(text("failed"), "m: the promotion of version 2 failed: why");
    }
}
