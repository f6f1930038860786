//! The access rules of routes and calls. The table of routes and the table of gRPC calls refer to them.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use self::Scope::{Admin, Evaluate, Infer, Metrics};

/// A permission of an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Classify and explain images.
    Infer,
    /// Start and read evaluations, and read data sets.
    Evaluate,
    /// Load, unload, pin, promote and shadow models.
    Admin,
    /// Read `/metrics`.
    Metrics,
}

impl Scope {
    /// Returns the name in the file of keys.
    pub fn name(self) -> &'static str {
        match self {
            Infer => "infer",
            Evaluate => "evaluate",
            Admin => "admin",
            Metrics => "metrics",
        }
    }
}

/// The credentials that an endpoint requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// None.
    Public,
    /// A key with one of the scopes if the server has API keys, otherwise none.
    Key(&'static [Scope]),
    /// A key with one of the scopes or the admin token. A server without both accepts local clients only.
    Admin(&'static [Scope]),
}

impl Access {
    /// Classifications and explanations.
    pub const INFERENCE: Self = Self::Key(&[Infer]);
    /// Descriptions of models.
    pub const MODELS: Self = Self::Key(&[Infer, Evaluate, Admin]);
    /// Statistics of models.
    pub const STATISTICS: Self = Self::Key(&[Infer, Evaluate, Admin, Metrics]);
    /// Changes of the models that serve.
    pub const MODEL_CHANGES: Self = Self::Admin(&[Admin]);
    /// Results of evaluations, and data sets.
    pub const EVALUATIONS: Self = Self::Key(&[Evaluate]);
    /// Starting, cancelling and deleting evaluations.
    pub const EVALUATION_CHANGES: Self = Self::Admin(&[Evaluate]);
    /// Records of promotions.
    pub const PROMOTIONS: Self = Self::Key(&[Evaluate, Admin]);
    /// The metrics of the server.
    pub const METRICS: Self = Self::Key(&[Metrics]);
}
