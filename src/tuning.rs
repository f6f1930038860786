//! Measures which number of instances and threads and which batch size serve a model best on this host.
//!
//! ```text
//! space   layouts (instances x threads) and batch sizes that the settings do not fix
//!   -> cache   the stored curve of this model file on this kind of host
//!   -> curve   otherwise the throughput of each point, measured in a bounded time; one sweep per layout
//!   -> choice  the knee: the shortest inference call near the best throughput
//! ```
//!
//! A measurement uses all cores, so it runs before the server is ready. Models that are loaded later are measured only while
//! the server is idle, at background priority. Otherwise they inherit the configuration of the previous version of their
//! name, or use the defaults of the device.

mod cache;
mod choice;
pub mod curve;
mod layout_sweep;
mod machine;
mod options;
pub mod sessions;
pub mod space;
pub mod stop_condition;
mod tuner;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::{
    choice::choose,
    options::{TuneMode, TuningOptions},
    sessions::Point,
    tuner::Tuner,
};
use self::{sessions::Open, space::Configuration};
use crate::inference::runtime::Runtime;

/// Origin of a model's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = TuningSource)]
pub enum Source {
    /// The curve was measured by this server.
    Measured,
    /// The curve was measured earlier for this file on the same kind of host.
    Cached,
    /// The settings or `mien.toml` fix all values.
    Settings,
    /// The configuration of the previous version: the model was loaded while the server was busy.
    Inherited,
    /// The defaults of the device: tuning is off, or the model was loaded while the server was busy.
    Default,
}

/// The configuration of a model and its origin.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuning {
    /// Instances, threads and batch size.
    pub configuration: Configuration,
    /// Origin of the configuration.
    pub source: Source,
    /// The curve; empty if there is none.
    pub points: Vec<Point>,
}

impl Tuning {
    fn without_curve(configuration: Configuration, source: Source) -> Self {
        Self {
            configuration,
            source,
            points: Vec::new(),
        }
    }
}

/// The model to tune.
pub struct TuningTarget<'a> {
    /// Name, by which configurations are inherited.
    pub name: &'a str,
    /// SHA-256 of the model file, hex.
    pub sha256: &'a str,
    /// The runtime that executes the model.
    pub runtime: &'a Runtime,
    /// Side of the input in pixels.
    pub side: usize,
    /// The batch size of a model with a fixed batch axis.
    pub fixed_batch: Option<usize>,
    /// Opens a session.
    pub open: &'a Open<'a>,
}
