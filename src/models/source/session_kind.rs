//! The kinds of sessions.

use crate::inference::{
    engine::{Execution, Precision},
    runtime::openvino::CompiledModel,
};

/// How the sessions of a version are opened.
#[derive(Debug, Clone)]
pub enum SessionKind {
    /// The default provider, with this number of threads per session.
    Default(usize),
    /// OpenVINO, with one compiled model per network.
    OpenVino(Precision, Vec<CompiledModel>),
}

impl SessionKind {
    /// Returns engine and precision.
    pub fn execution(&self) -> Execution {
        match self {
            Self::Default(_) => Execution::default(),
            Self::OpenVino(precision, _) => Execution::openvino(*precision),
        }
    }
}
