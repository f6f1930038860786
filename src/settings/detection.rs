//! Settings of the face detection.

use std::{convert::Infallible, num::NonZeroUsize, path::PathBuf, str::FromStr};

use clap::Args;

use super::parse;

/// The choice of the face detector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DetectorChoice {
    /// No detector.
    Off,
    /// The detector in this file.
    File(PathBuf),
}

impl FromStr for DetectorChoice {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == "off" {
            Self::Off
        } else {
            Self::File(text.into())
        })
    }
}

/// Settings of the face detection.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Face detection")]
pub struct DetectionSettings {
    /// File of the face detector YuNet for /v1/faces, or `off`. By default the file that `cargo xtask setup` installs. Without a
    /// detector, /v1/faces returns 503.
    #[arg(long, env = "MIEN_DETECTOR", value_name = "FILE")]
    pub detector: Option<DetectorChoice>,

    /// Maximum number of faces of a request to /v1/faces. Each photo of a request has an equal share of them. At most 65536.
    #[arg(
        long,
        env = "MIEN_MAX_FACES",
        value_name = "COUNT",
        default_value = "256",
        value_parser = parse::number::<65_536>
    )]
    pub max_faces: NonZeroUsize,
}
