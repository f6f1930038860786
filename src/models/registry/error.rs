//! Why a request finds no model.

/// Why a request's model does not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// There is no model of this name.
    #[error("there is no model `{0}`")]
    UnknownModel(String),
    /// The alias' model is not there.
    #[error("`{alias}` stands for `{target}`, and there is no such model")]
    UnknownTarget {
        /// The alias.
        alias: String,
        /// What it stands for.
        target: String,
    },
    /// The model has no such version.
    #[error("model `{model}` has no version `{version}`")]
    UnknownVersion {
        /// The model.
        model: String,
        /// The version that was asked for.
        version: String,
    },
    /// The alias stands for another version than the one that was asked for.
    #[error("`{alias}` stands for `{target}`, which is not version `{version}`")]
    OtherVersion {
        /// The alias.
        alias: String,
        /// What it stands for.
        target: String,
        /// The version that was asked for.
        version: String,
    },
    /// It is known and does not serve.
    #[error("`{model}` does not serve: {reason}")]
    NotServing {
        /// What was asked for.
        model: String,
        /// Why.
        reason: String,
    },
    /// It will serve soon.
    #[error("{} is being loaded; try again in a second", .0.as_ref().map_or_else(|| "the default model".to_owned(), |name| format!("`{name}`")))]
    Loading(Option<String>),
}

impl ResolveError {
    /// Whether it is only a matter of time.
    pub fn is_loading(&self) -> bool {
        matches!(self, Self::Loading(_))
    }
}
