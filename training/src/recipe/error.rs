//! Errors of reading and validating recipes.

use std::path::PathBuf;

/// A recipe that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// The file cannot be read.
    #[error("cannot read the recipe {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// Not TOML, an unknown key, a value of another type.
    #[error("the recipe {path} is not valid: {source}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// The parse error, with the line.
        source: Box<toml::de::Error>,
    },
    /// A value out of its range.
    #[error("recipe key `{key}` must be {range}")]
    Range {
        /// The key.
        key: &'static str,
        /// Valid values.
        range: &'static str,
    },
}
