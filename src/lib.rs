//! The mien server: face images in, expression labels out.
//!
//! ```text
//!              http (routes, limits, errors, OpenAPI)          main -> cli -> startup
//!                |  bytes
//!                v
//!   mien_faces::image  decode -> DecodedImage -> Face (the model's square of gray)
//!                |  faces
//!                v
//!              models::registry   name, version -> LiveModel (tuning: how many sessions, what batch size)
//!                |
//!                v
//!              batching   queue (bounded in images) -> assemble -> worker threads
//!                |  batches
//!                v
//!              inference  Classifier: onnx over ONNX Runtime -> Probabilities
//! ```
//!
//! [`evaluation`] sends whole data sets through that path. [`promotion`] switches traffic to a version that has passed an
//! evaluation. [`drift`] compares traffic with an evaluation, and [`shadow`] compares a candidate with the serving version
//! on traffic. Each layer calls only layers below it. All layers record [`metrics`] and the [`traces`] of requests.
pub mod app;
pub mod auth;
pub mod batching;
pub mod bench;
pub mod cli;
pub mod detection;
pub mod drift;
pub mod evaluation;
mod excerpt;
pub mod explanation;
mod file_watch;
#[doc(hidden)]
pub mod fuzzing;
pub mod grpc;
pub mod http;
pub mod inference;
pub mod intake;
pub mod jobs;
mod json;
pub mod metrics;
pub mod model_version;
pub mod models;
pub mod notice;
pub mod oip;
pub mod promotion;
pub mod settings;
pub mod shadow;
pub mod startup;
pub mod store;
pub mod telemetry;
mod thread_priority;
pub mod timestamp;
pub mod tls;
pub mod traces;
pub mod tuning;
