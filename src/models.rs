//! The models on disk and the models in memory.
//!
//! ```text
//! repository  <models>/<name>/<version>/ with a model.onnx or the mien.toml of an ensemble; detects changed files
//!     |
//! lifecycle   one thread: startup, load, unload, polling; the version policy selects the versions
//!     |  load: source (checks model file and mien.toml) -> tuning -> sessions with warm-up -> workers
//!     v
//! snapshot    all models and their states at one moment; read without a lock
//!     |
//! registry    resolves name, version and alias to a live model
//! ```

pub mod engines;
pub mod ensemble;
pub(crate) mod external_data;
pub mod file;
mod lifecycle;
pub mod live;
pub mod load;
pub mod manifest;
pub mod mirror;
pub mod name;
pub(crate) mod onnx_metadata;
pub mod policy;
pub mod registry;
mod regular_file;
pub mod repository;
mod retune;
pub mod serving_limits;
pub mod serving_options;
pub mod signing;
mod snapshot;
pub mod source;
pub mod version_config;
pub mod version_files;

pub use crate::model_version::{InvalidVersion, ModelVersion};
pub(crate) use lifecycle::rank_by_accuracy;
pub use lifecycle::{
    LifecycleError, LifecycleOptions, PersistPin, PersistPinError, PromoteError, RegistryError,
    ShadowCandidate, StagedCandidate, StartupReceiver,
};
