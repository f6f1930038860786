//! Every setting of the server: a flag, a `MIEN_*` variable, a default and a sentence.

mod admin;
mod batching;
mod connections;
mod cuda;
mod drain;
mod grpc;
mod limits;
mod models;
mod parse;
mod state;
mod tuning;

use std::{net::SocketAddr, num::NonZeroUsize};

use clap::Args;

pub use self::{
    admin::AdminSettings,
    batching::BatchSettings,
    connections::ConnectionSettings,
    cuda::CudaSettings,
    drain::DrainSettings,
    grpc::GrpcSettings,
    limits::LimitSettings,
    models::ModelSettings,
    parse::DataSource,
    state::{StateLocation, StateSettings},
    tuning::TuningSettings,
};
use crate::models::plan::ServingOptions;

/// Settings of `mien serve`.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Where to listen. Port 0 takes any free port; the log tells which.
    #[arg(long, env = "MIEN_ADDR", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub addr: SocketAddr,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would print it as the command's description")]
    pub models: ModelSettings,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would print it as the command's description")]
    pub cuda: CudaSettings,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would print it as the command's description")]
    pub batching: BatchSettings,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would print it as the command's description")]
    pub tuning: TuningSettings,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would print it as the command's description")]
    pub limits: LimitSettings,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would print it as the command's description")]
    pub connections: ConnectionSettings,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would print it as the command's description")]
    pub grpc: GrpcSettings,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would print it as the command's description")]
    pub drain: DrainSettings,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would print it as the command's description")]
    pub admin: AdminSettings,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would print it as the command's description")]
    pub state: StateSettings,

    /// A data set that clients may evaluate models on: NAME is what they call it, DIR holds
    /// `{train,test}/CLASS/*` or a `fer2013.csv` (or is the path of one). Repeatable; in the
    /// variable, separated by commas.
    #[arg(long, env = "MIEN_DATA", value_name = "NAME=DIR", value_delimiter = ',')]
    pub data: Vec<DataSource>,
}

/// Settings that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A request of `max_images` could never be taken.
    #[error(
        "--max-images {max_images} is over --max-queue-size {max_queue_size}: such a request would never fit the queue"
    )]
    QueueTooShort {
        /// The most images of a request.
        max_images: usize,
        /// The most images that wait.
        max_queue_size: usize,
    },
    /// A data set's name is given twice.
    #[error("--data names `{0}` twice")]
    DataTwice(String),
    /// A version policy is given twice.
    #[error("--version-policy has two policies for {0}")]
    PolicyTwice(String),
    /// An alias is given twice.
    #[error("--alias names `{0}` twice")]
    AliasTwice(String),
    /// An alias stands for an alias.
    #[error("--alias: `{0}` is an alias itself; name the model that it stands for")]
    AliasOfAlias(String),
}

impl Settings {
    /// Checks settings against each other.
    ///
    /// # Errors
    /// For settings that contradict each other.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let (max_images, max_queue_size) =
            (self.limits.max_images.get(), self.batching.max_queue_size.get());
        if max_images > max_queue_size {
            return Err(SettingsError::QueueTooShort { max_images, max_queue_size });
        }
        for (index, source) in self.data.iter().enumerate() {
            if self.data[..index].iter().any(|other| other.name == source.name) {
                return Err(SettingsError::DataTwice(source.name.clone()));
            }
        }
        self.models.lifecycle().map(drop)
    }

    /// How models are served where their sidecar says nothing else.
    pub fn serving(&self) -> ServingOptions {
        ServingOptions {
            max_queue_size: self.batching.max_queue_size.get(),
            max_batch: self.batching.max_batch.map(NonZeroUsize::get),
            max_queue_delay: self.batching.max_queue_delay,
            instances: self.models.instances.map(NonZeroUsize::get),
            intra_op_threads: self.models.intra_op_threads.map(NonZeroUsize::get),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use clap::Parser;

    use super::*;
    use crate::inference::runtime::DeviceChoice;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        settings: Settings,
    }

    fn parse(flags: &[&str]) -> Result<Settings, clap::Error> {
        Cli::try_parse_from([&["mien"], flags].concat()).map(|cli| cli.settings)
    }

    #[test]
    fn defaults_are_those_of_the_design() {
        let settings = parse(&[]).unwrap();
        assert_eq!(settings.addr.to_string(), "127.0.0.1:8080");
        assert_eq!(settings.limits.max_body, 10 << 20);
        assert_eq!(settings.limits.max_pixels, 24_000_000);
        assert_eq!(settings.limits.request_timeout, Duration::from_secs(30));
        assert_eq!(settings.batching.max_queue_delay, Duration::ZERO);
        assert_eq!(settings.models.device, DeviceChoice::Auto);
        assert_eq!(settings.validate(), Ok(()));
    }

    #[test]
    fn wrong_settings_are_refused() {
        for flags in [
            ["--addr", "8080"],
            ["--device", "gpu"],
            ["--max-body", "0"],
            ["--max-body", "ten"],
            ["--max-images", "0"],
            ["--request-timeout", "0s"],
            ["--request-timeout", "30"],
            ["--data", "fer2013"],
            ["--data", "=dir"],
            ["--default-model", "a@b"],
            ["--version-policy", "newest"],
            ["--alias", "stable"],
            ["--repository-poll-interval", "0"],
            ["--admin-token", "too-short"],
        ] {
            assert!(parse(&flags).is_err(), "{flags:?}");
        }
        let short = parse(&["--max-queue-size", "8"]).unwrap();
        assert!(matches!(short.validate(), Err(SettingsError::QueueTooShort { .. })));
        let twice = parse(&["--data", "a=x", "--data", "a=y"]).unwrap();
        assert_eq!(twice.validate(), Err(SettingsError::DataTwice("a".to_owned())));
        let refused = |flags: &[&str]| parse(flags).unwrap().validate().unwrap_err().to_string();
        assert!(
            refused(&["--version-policy", "a=1", "--version-policy", "a=all"]).contains("for a")
        );
        assert!(refused(&["--alias", "s=a", "--alias", "s=b@1"]).contains("`s` twice"));
        assert!(refused(&["--alias", "s=a,t=s"]).contains("`s` is an alias"));
    }

    #[test]
    fn model_settings_are_lists() {
        let words = [
            "--version-policy",
            "latest:2;m=1,3",
            "--alias",
            "s=a,t=m@1",
            "--repository-poll-interval",
            "0.5",
        ];
        let models = parse(&words).unwrap().models;
        assert_eq!((models.version_policy.len(), models.alias.len()), (2, 2));
        assert_eq!(models.repository_poll_interval, Some(Duration::from_millis(500)));
        let options = models.lifecycle().unwrap();
        let wants = |version| options.policies.wants("m", version, &BTreeSet::from([4, 5]), None);
        assert!(wants(1) && !wants(2));
    }
}
