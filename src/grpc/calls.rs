//! The table of calls. Authorization, metrics, log levels and the limits of bodies are derived from it.

use crate::auth::Access;

/// The limit that the memory of a call counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MemoryClass {
    /// `--max-body-memory`, together with HTTP. Messages have up to `--max-body` bytes.
    Inference,
    /// The limit of calls with one small message.
    Small,
    /// The limit of streams that clients keep open: reflection and health.
    Observer,
}

/// A call of one of the services.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    /// The path without the first slash: the service and the method. The label of the metrics.
    pub(super) path: &'static str,
    pub(super) memory: MemoryClass,
    /// Whether the client sends a stream, which may be idle between two messages.
    pub(super) is_stream: bool,
    /// Whether calls are logged at the level DEBUG instead of INFO, because probes repeat them every few seconds.
    pub(super) is_logged_at_debug: bool,
    /// The credentials that the call requires.
    pub(super) access: Access,
}

/// Every other call.
pub(super) const OTHER: Call = Call::of("other");

const CALLS: [Call; 16] = [
    Call::of("inference.GRPCInferenceService/ServerLive").log_at_debug(),
    Call::of("inference.GRPCInferenceService/ServerReady").log_at_debug(),
    Call::of("inference.GRPCInferenceService/ModelReady").access(Access::MODELS),
    Call::of("inference.GRPCInferenceService/ServerMetadata"),
    Call::of("inference.GRPCInferenceService/ModelMetadata").access(Access::MODELS),
    Call::of("inference.GRPCInferenceService/ModelInfer")
        .access(Access::INFERENCE)
        .memory(MemoryClass::Inference),
    Call::of("inference.GRPCInferenceService/ModelStreamInfer")
        .access(Access::INFERENCE)
        .memory(MemoryClass::Inference)
        .stream(),
    Call::of("inference.GRPCInferenceService/ModelConfig").access(Access::MODELS),
    Call::of("inference.GRPCInferenceService/ModelStatistics").access(Access::STATISTICS),
    Call::of("inference.GRPCInferenceService/RepositoryIndex").access(Access::MODELS),
    Call::of("inference.GRPCInferenceService/RepositoryModelLoad").access(Access::MODEL_CHANGES),
    Call::of("inference.GRPCInferenceService/RepositoryModelUnload").access(Access::MODEL_CHANGES),
    Call::of("grpc.health.v1.Health/Check").log_at_debug(),
    Call::of("grpc.health.v1.Health/Watch").memory(MemoryClass::Observer),
    Call::of("grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
        .memory(MemoryClass::Observer)
        .stream(),
    Call::of("grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
        .memory(MemoryClass::Observer)
        .stream(),
];

impl Call {
    const fn of(path: &'static str) -> Self {
        Self {
            path,
            memory: MemoryClass::Small,
            is_stream: false,
            is_logged_at_debug: false,
            access: Access::Public,
        }
    }

    const fn stream(mut self) -> Self {
        self.is_stream = true;
        self
    }

    const fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    const fn memory(mut self, memory: MemoryClass) -> Self {
        self.memory = memory;
        self
    }

    const fn log_at_debug(mut self) -> Self {
        self.is_logged_at_debug = true;
        self
    }
}

/// Returns all calls that the services implement.
pub(super) fn all() -> impl Iterator<Item = Call> {
    CALLS.into_iter()
}

/// Returns the call with this path, which begins with a slash.
pub(super) fn find(path: &str) -> Call {
    let path = path.strip_prefix('/').unwrap_or(path);
    all().find(|call| call.path == path).unwrap_or(OTHER)
}
