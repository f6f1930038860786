//! Settings of what is kept beyond the server's end.

use std::{convert::Infallible, num::NonZeroUsize, path::PathBuf, str::FromStr};

use clap::Args;

/// Where evaluations are kept, and how many.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "State")]
pub struct StateSettings {
    /// The folder that keeps evaluations and promotions, in the SQLite file `mien.sqlite3`: made where it is missing,
    /// for one server at a time. `memory` keeps nothing beyond the server's end.
    #[arg(
        id = "place",
        long = "state",
        env = "MIEN_STATE",
        value_name = "DIR|memory",
        default_value = "state"
    )]
    pub place: StateLocation,

    /// Maximum number of finished evaluations, and of finished promotions, to store. The oldest are deleted first. An
    /// evaluation of 7,000 images takes about 1 MB.
    #[arg(long, env = "MIEN_EVALUATION_RETENTION", value_name = "COUNT", default_value = "1000")]
    pub evaluation_retention: NonZeroUsize,
}

/// Where the state is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateLocation {
    /// A folder.
    Folder(PathBuf),
    /// Nowhere.
    Memory,
}

impl FromStr for StateLocation {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == "memory" { Self::Memory } else { Self::Folder(text.into()) })
    }
}
