//! The Open Inference Protocol v2 (KServe, Triton) independent of the transport: requests, responses, and metadata of server
//! and models. `http` and `grpc` are its transports.
//!
//! ```text
//! InferRequest -> input  (tensor -> images, checked) -> Batcher
//!              <- output (predictions -> tensors, classification)
//! ```

mod config;
mod error;
mod input;
mod metadata;
mod output;
mod repository;
mod request;
mod service;
mod statistics;

pub use self::{
    config::{BatchingConfig, InputConfig, InstanceGroup, ModelConfig, OutputConfig, QueuePolicy},
    error::{Error, Kind},
    metadata::{ModelMetadata, ServerMetadata, TensorMetadata},
    output::{InferResponse, OutputData, OutputTensor},
    repository::ModelIndex,
    request::{
        InferRequest, InputTensor, MAX_DIMENSIONS, MAX_ID, MAX_TENSORS, Parameter, RequestedOutput,
        TensorData, reject_shared_memory,
    },
    service::Service,
    statistics::{BatchStatistics, DurationStatistic, InferStatistics, ModelStatistics},
};
