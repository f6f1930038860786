//! The models on disk and the models that serve.
//!
//! ```text
//! repository  <models>/<name>/<version>/, with a model.onnx or an ensemble's mien.toml, and what tells a changed file
//!     |
//! lifecycle   one thread: start, load, unload, polling; by the version policy
//!     |  load: source (sidecar and manifest checked) -> plan -> sessions tried -> workers
//!     v
//! registry    name, version, alias -> live model: a snapshot that readers take without a lock
//! ```

pub mod ensemble;
pub mod file;
pub(crate) mod header;
mod lifecycle;
pub mod live;
pub mod load;
pub mod manifest;
pub mod name;
pub mod plan;
pub mod policy;
pub mod registry;
pub mod repository;
pub mod sidecar;
pub mod source;

pub(crate) use lifecycle::by_recorded_accuracy;
pub use lifecycle::{
    ChangeError, LifecycleOptions, PersistPin, PromoteError, RegistryError, StagedCandidate,
    Started,
};
