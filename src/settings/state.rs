//! Settings of the persistent state.

use std::{convert::Infallible, num::NonZeroUsize, path::PathBuf, str::FromStr};

use clap::Args;

use super::parse;

/// Settings of the persistent state.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "State")]
pub struct StateSettings {
    /// Directory of evaluations and promotions, which are stored in the SQLite file `mien.sqlite3`. The directory is created if
    /// it is missing; only one server may use it. With `memory`, the state is lost when the server stops.
    #[arg(
        id = "location",
        long = "state",
        env = "MIEN_STATE",
        value_name = "DIR|memory",
        default_value = "state"
    )]
    pub location: StateLocation,

    /// Maximum number of finished evaluations, and of finished promotions, to store. The oldest are deleted first. An
    /// evaluation of 7,000 images takes about 1 MB. At most 1000000.
    #[arg(
        long,
        env = "MIEN_EVALUATION_RETENTION",
        value_name = "COUNT",
        default_value = "1000",
        value_parser = parse::number::<1_000_000>
    )]
    pub evaluation_retention: NonZeroUsize,
}

/// Location of the persistent state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateLocation {
    /// In a directory.
    Directory(PathBuf),
    /// In memory only.
    Memory,
}

impl FromStr for StateLocation {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == "memory" {
            Self::Memory
        } else {
            Self::Directory(text.into())
        })
    }
}
