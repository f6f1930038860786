//! Parsers of setting values.

use std::{path::PathBuf, str::FromStr, time::Duration};

use bytesize::ByteSize;

/// A data set on disk and the name that clients use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSource {
    /// Name of the data set.
    pub name: String,
    /// Directory or CSV file.
    pub path: PathBuf,
}

impl FromStr for DataSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok(Self {
                name: name.to_owned(),
                path: path.into(),
            }),
            _ => Err("expected NAME=DIR".to_owned()),
        }
    }
}

/// Parses a size such as `10MiB` or `500kB`, at least 1 byte.
pub(super) fn size(text: &str) -> Result<usize, String> {
    let bytes = count(text)?;
    usize::try_from(bytes).map_err(|_| "exceeds the address space of this machine".to_owned())
}

/// Parses a count such as `24M` or `1000`, at least 1.
pub(super) fn count(text: &str) -> Result<u64, String> {
    let ByteSize(count) = text.parse()?;
    if count == 0 {
        Err("must be at least 1".to_owned())
    } else {
        Ok(count)
    }
}

/// Parses a duration such as `30s` or `500ms`, greater than 0.
pub(super) fn positive_duration(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if time.is_zero() {
        Err("must be greater than 0".to_owned())
    } else {
        Ok(time)
    }
}

/// Parses a number of seconds (`5`, `0.5`) or a duration with a unit (`500ms`), greater than 0.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 => {
            Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
        }
        Ok(_) => Err("must be greater than 0".to_owned()),
        Err(_) => positive_duration(text),
    }
}
