//! The settings of the server: each has a flag, a `MIEN_*` variable, a default and a help text.

mod admin;
mod batching;
mod connections;
mod cuda;
mod detection;
mod drain;
mod drift;
mod engines;
mod error;
mod grpc;
mod host_port;
mod keys;
mod limits;
mod listeners;
mod models;
pub(crate) mod parse;
mod shadow;
mod state;
mod tls;
mod traces;
mod tuning;
mod validate;
mod web;

use std::num::NonZeroUsize;

use clap::Args;

pub use self::{
    admin::AdminSettings,
    batching::BatchSettings,
    connections::ConnectionSettings,
    cuda::CudaSettings,
    detection::{DetectionSettings, DetectorChoice},
    drain::DrainSettings,
    drift::{DriftMode, DriftSettings},
    engines::EngineSettings,
    error::SettingsError,
    grpc::GrpcSettings,
    host_port::HostPort,
    keys::{ClientKeySettings, KeySettings},
    limits::LimitSettings,
    listeners::ListenerSettings,
    models::ModelSettings,
    parse::DataSource,
    shadow::ShadowSettings,
    state::{StateLocation, StateSettings},
    tls::TlsSettings,
    traces::TraceSettings,
    tuning::TuningSettings,
    web::WebSettings,
};
use crate::models::serving_options::ServingOptions;

/// Settings of `mien serve`.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Address for HTTP. A host name is resolved at the start; the server uses the first of its addresses that is available, IPv4
    /// first. Port 0 selects a free port, which the log shows.
    #[arg(
        long,
        env = "MIEN_ADDR",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8080"
    )]
    pub addr: HostPort,

    #[command(flatten)]
    #[expect(
        missing_docs,
        reason = "clap would print it as the command's description"
    )]
    pub models: ModelSettings,

    #[command(flatten)]
    #[expect(
        missing_docs,
        reason = "clap would print it as the command's description"
    )]
    pub engines: EngineSettings,

    #[command(flatten)]
    #[expect(
        missing_docs,
        reason = "clap would print it as the command's description"
    )]
    pub cuda: CudaSettings,

    #[command(flatten)]
    #[expect(
        missing_docs,
        reason = "clap would print it as the command's description"
    )]
    pub batching: BatchSettings,

    #[command(flatten)]
    #[expect(
        missing_docs,
        reason = "clap would print it as the command's description"
    )]
    pub tuning: TuningSettings,

    #[command(flatten)]
    #[expect(
        missing_docs,
        reason = "clap would print it as the command's description"
    )]
    pub detection: DetectionSettings,

    #[command(flatten)]
    #[expect(
        missing_docs,
        reason = "clap would print it as the command's description"
    )]
    pub drift: DriftSettings,

    #[command(flatten)]
    #[expect(
        missing_docs,
        reason = "clap would print it as the command's description"
    )]
    pub shadow: ShadowSettings,

    #[command(flatten)]
    #[expect(
        missing_docs,
        reason = "clap would print it as the command's description"
    )]
    pub limits: LimitSettings,

    #[command(flatten)]
    #[expect(
        missing_docs,
        reason = "clap would print it as the command's description"
    )]
    pub connections: ConnectionSettings,

    #[command(flatten)]
    #[expect(
        missing_docs,
        reason = "clap would print it as the command's description"
    )]
    pub tls: TlsSettings,

    #[command(flatten)]
    #[expect(
        missing_docs,
        reason = "clap would print it as the command's description"
    )]
    pub grpc: GrpcSettings,

    #[command(flatten)]
    #[expect(
        missing_docs,
        reason = "clap would print it as the command's description"
    )]
    pub drain: DrainSettings,

    #[command(flatten)]
    #[expect(
        missing_docs,
        reason = "clap would print it as the command's description"
    )]
    pub admin: AdminSettings,

    #[command(flatten)]
    #[expect(
        missing_docs,
        reason = "clap would print it as the command's description"
    )]
    pub keys: KeySettings,

    #[command(flatten)]
    #[expect(
        missing_docs,
        reason = "clap would print it as the command's description"
    )]
    pub web: WebSettings,

    #[command(flatten)]
    #[expect(
        missing_docs,
        reason = "clap would print it as the command's description"
    )]
    pub listeners: ListenerSettings,

    #[command(flatten)]
    #[expect(
        missing_docs,
        reason = "clap would print it as the command's description"
    )]
    pub traces: TraceSettings,

    #[command(flatten)]
    #[expect(
        missing_docs,
        reason = "clap would print it as the command's description"
    )]
    pub state: StateSettings,

    /// Data set for evaluations. Clients refer to it by NAME. DIR contains images in `{train,test}/CLASS/` or `fer2013.csv`, or is the
    /// path of such a CSV file. Repeatable; in the variable, entries are separated by commas.
    #[arg(
        long,
        env = "MIEN_DATA",
        value_name = "NAME=DIR",
        value_delimiter = ','
    )]
    pub data: Vec<DataSource>,
}

impl Settings {
    /// Returns the scheme of the URLs of the HTTP listeners.
    pub fn scheme(&self) -> &'static str {
        if self.tls.files().is_some() {
            "https"
        } else {
            "http"
        }
    }

    /// Returns the serving options of models whose `mien.toml` does not override them.
    pub fn serving_options(&self) -> ServingOptions {
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
mod tests;
