//! The models on disk and the models that serve.
//!
//! [`repository`] finds `<models>/<name>/<version>/model.onnx` and loads each; [`manifest`] checks
//! what a file says about itself; [`registry`] answers which model a request means.

pub mod manifest;
pub mod registry;
pub mod repository;
