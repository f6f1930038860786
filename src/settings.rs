//! Every setting of the server: a flag, a `MIEN_*` variable, a default and a sentence.

mod parse;

use std::{net::SocketAddr, num::NonZeroUsize, path::PathBuf, time::Duration};

use clap::Args;

pub use parse::DataSource;

use crate::{
    inference::runtime::DeviceChoice,
    models::{
        registry::{ModelName, VersionPolicy},
        repository::ServingOptions,
    },
};

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
    pub batching: BatchSettings,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would print it as the command's description")]
    pub limits: LimitSettings,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would print it as the command's description")]
    pub drain: DrainSettings,

    /// A data set that clients may evaluate models on: NAME is what they call it, DIR holds
    /// `{train,test}/CLASS/*` or a `fer2013.csv` (or is the path of one). Repeatable; in the
    /// variable, separated by commas.
    #[arg(long, env = "MIEN_DATA", value_name = "NAME=DIR", value_delimiter = ',')]
    pub data: Vec<DataSource>,
}

/// Which models are served, and on what.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Models")]
pub struct ModelSettings {
    /// The models folder: NAME/VERSION/model.onnx, VERSION a positive integer.
    #[arg(long, env = "MIEN_MODELS", value_name = "DIR", default_value = "models")]
    pub models: PathBuf,

    /// The model for requests that name none. Without it the one with the best recorded accuracy.
    #[arg(long, env = "MIEN_DEFAULT_MODEL", value_name = "NAME[@VERSION]")]
    pub default_model: Option<ModelName>,

    /// Which versions of each model to load: the highest that loads, or all.
    #[arg(long, env = "MIEN_VERSIONS", value_enum, default_value = "latest")]
    pub versions: VersionPolicy,

    /// auto takes CUDA where the ONNX Runtime that is installed and a GPU allow it, else the CPU.
    /// cuda or cuda:N ends with the reason where it cannot be had.
    #[arg(long, env = "MIEN_DEVICE", value_name = "auto|cpu|cuda[:N]", default_value = "auto")]
    pub device: DeviceChoice,

    /// Sessions of each model, each with a worker thread of its own. Without it one for each core,
    /// up to 8, on a CPU, and one on a GPU. A model's mien.toml goes before.
    #[arg(long, env = "MIEN_INSTANCES", value_name = "COUNT")]
    pub instances: Option<NonZeroUsize>,

    /// Cores that one run of a model uses. Without it the cores divided by the instances. A
    /// model's mien.toml goes before.
    #[arg(long, env = "MIEN_THREADS", value_name = "COUNT")]
    pub threads: Option<NonZeroUsize>,
}

/// How images are queued and batched.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Batching")]
pub struct BatchSettings {
    /// The most images that wait for each model; a request that does not fit as a whole is
    /// answered 503.
    #[arg(long, env = "MIEN_QUEUE_IMAGES", value_name = "COUNT", default_value = "512")]
    pub queue_images: NonZeroUsize,

    /// The most images of one run of a model. Without it 8 on a CPU and 64 on a GPU. A model's
    /// mien.toml goes before.
    #[arg(long, env = "MIEN_MAX_BATCH", value_name = "COUNT")]
    pub max_batch: Option<NonZeroUsize>,

    /// How long an idle worker waits for a batch to fill up. At 0 it never waits: batches form
    /// while the workers are busy.
    #[arg(long, env = "MIEN_MAX_DELAY", value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration)]
    pub max_delay: Duration,
}

/// What a client may send, and how long it may take.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitSettings {
    /// How long a request may take from its head to its answer (504). A client may ask for less
    /// with the header x-request-timeout-ms.
    #[arg(long, env = "MIEN_REQUEST_TIMEOUT", value_name = "TIME", default_value = "30s", value_parser = parse::positive_duration)]
    pub request_timeout: Duration,

    /// How long a request's body may take to arrive (408).
    #[arg(long, env = "MIEN_BODY_TIMEOUT", value_name = "TIME", default_value = "30s", value_parser = parse::positive_duration)]
    pub body_timeout: Duration,

    /// The largest body (413).
    #[arg(long, env = "MIEN_MAX_BODY", value_name = "SIZE", default_value = "10MiB", value_parser = parse::size)]
    pub max_body: usize,

    /// The most pixels of a picture, width times height (413).
    #[arg(long, env = "MIEN_MAX_PIXELS", value_name = "COUNT", default_value = "24M", value_parser = parse::count)]
    pub max_pixels: u64,

    /// The most pictures of a request (413). At most --queue-images, or such a request would never fit.
    #[arg(long, env = "MIEN_MAX_IMAGES", value_name = "COUNT", default_value = "64")]
    pub max_images: NonZeroUsize,
}

/// What happens after SIGTERM or SIGINT.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Shutdown")]
pub struct DrainSettings {
    /// How long the server goes on taking requests while /health/ready says 503, so that balancers
    /// see it.
    #[arg(long, env = "MIEN_DRAIN_DELAY", value_name = "TIME", default_value = "1s", value_parser = humantime::parse_duration)]
    pub drain_delay: Duration,

    /// How long requests then have to finish.
    #[arg(long, env = "MIEN_DRAIN_TIMEOUT", value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub drain_timeout: Duration,
}

/// Settings that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A request of `max_images` could never be taken.
    #[error(
        "--max-images {max_images} is over --queue-images {queue_images}: such a request would never fit the queue"
    )]
    QueueTooShort {
        /// The most images of a request.
        max_images: usize,
        /// The most images that wait.
        queue_images: usize,
    },
    /// A data set's name is given twice.
    #[error("--data names `{0}` twice")]
    DataTwice(String),
}

impl Settings {
    /// Checks settings against each other.
    ///
    /// # Errors
    /// For settings that contradict each other.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let (max_images, queue_images) =
            (self.limits.max_images.get(), self.batching.queue_images.get());
        if max_images > queue_images {
            return Err(SettingsError::QueueTooShort { max_images, queue_images });
        }
        for (index, source) in self.data.iter().enumerate() {
            if self.data[..index].iter().any(|other| other.name == source.name) {
                return Err(SettingsError::DataTwice(source.name.clone()));
            }
        }
        Ok(())
    }

    /// How models are served where their sidecar says nothing else.
    pub fn serving(&self) -> ServingOptions {
        ServingOptions {
            queue_images: self.batching.queue_images.get(),
            max_batch: self.batching.max_batch.map(NonZeroUsize::get),
            max_delay: self.batching.max_delay,
            instances: self.models.instances.map(NonZeroUsize::get),
            threads: self.models.threads.map(NonZeroUsize::get),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

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
        assert_eq!(settings.batching.max_delay, Duration::ZERO);
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
        ] {
            assert!(parse(&flags).is_err(), "{flags:?}");
        }
        let short = parse(&["--queue-images", "8"]).unwrap();
        assert!(matches!(short.validate(), Err(SettingsError::QueueTooShort { .. })));
        let twice = parse(&["--data", "a=x", "--data", "a=y"]).unwrap();
        assert_eq!(twice.validate(), Err(SettingsError::DataTwice("a".to_owned())));
    }
}
