//! Measures which number of instances and threads and which batch size serve a model best on this host.
//!
//! ```text
//! space   layouts (instances x threads) and batch sizes that the settings do not fix
//!   -> tuner   selects the configuration when a model is loaded: that of the known curve, otherwise that of the previous
//!              version or the default of the device
//!   -> sweep   measures the throughput of each point in a bounded time while the server is idle; one sweep per layout
//!   -> curve   the points with the load of the machine; stored on disk; provisional if the load was high
//!   -> choice  the knee: the shortest inference call near the best throughput
//! ```
//!
//! Loading a model never waits for a measurement. `models::lifecycle` asks the tuner regularly whether a measurement is due
//! ([`Tuner::is_due`]), runs it ([`Tuner::measure`]), and loads the version again if another configuration is better. A
//! measurement ends with the next request.
//!
//! A provisional curve is used, and measured again when the machine is idle. Durations of live inference calls that contradict
//! a curve correct it ([`Tuner::refine`]) and make it provisional.

mod cache;
mod choice;
mod curve;
mod known_curves;
mod layout_sweep;
mod machine;
mod options;
mod quiet_period;
mod refinement;
pub mod sessions;
pub mod space;
pub mod stop_condition;
pub mod sweep;
mod tunable;
mod tuner;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::space::{Configuration, Overrides};
pub use self::{
    cache::cache_directory,
    choice::choose,
    curve::Curve,
    machine::Machine,
    options::{TuneMode, TuningOptions},
    refinement::LiveCalls,
    sessions::Point,
    tunable::Tunable,
    tuner::Tuner,
};
use crate::inference::runtime::Device;

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
    /// The measured curve was corrected by the durations of live inference calls.
    Refined,
    /// The configuration of the previous version, until the model is measured.
    Inherited,
    /// The defaults of the device: tuning is off, or the model is not measured yet.
    Default,
}

/// The configuration of a model and its origin.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuning {
    /// Instances, threads and batch size.
    pub configuration: Configuration,
    /// Origin of the configuration.
    pub source: Source,
    /// The curve that the configuration was chosen from.
    pub curve: Option<Arc<Curve>>,
}

impl Tuning {
    fn without_curve(configuration: Configuration, source: Source) -> Self {
        Self {
            configuration,
            source,
            curve: None,
        }
    }
}

/// The model to tune.
pub struct TuningTarget<'a> {
    /// Name, by which configurations are inherited.
    pub name: &'a str,
    /// SHA-256 of the model file, hex.
    pub sha256: &'a str,
    /// The device that runs the model.
    pub device: Device,
    /// Build and options of the runtime that affect the speed.
    pub variant: String,
    /// The batch size of a model with a fixed batch axis.
    pub fixed_batch: Option<usize>,
    /// The batch size if no curve is known; by default that of the device.
    pub default_batch: Option<usize>,
    /// The largest batch size that is measured; by default that of the device.
    pub largest_batch: Option<usize>,
    /// Values that the settings or `mien.toml` fix.
    pub given: Overrides,
}
