//! Parsers of setting values.

use std::{num::NonZeroUsize, path::PathBuf, str::FromStr, time::Duration};

use bytesize::ByteSize;

use crate::models::name::is_directory_name;

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

/// A model in a directory of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSource {
    /// Name of the model.
    pub name: String,
    /// Directory.
    pub path: PathBuf,
}

impl FromStr for ModelSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((name, path)) if is_directory_name(name) && !path.is_empty() => {
                if name.contains('@') {
                    return Err("the name of a model must not contain `@`".to_owned());
                }
                Ok(Self {
                    name: name.to_owned(),
                    path: path.into(),
                })
            }
            _ => Err(
                "expected NAME=DIR; NAME must not contain `/` or `\\` or start with `.`".to_owned(),
            ),
        }
    }
}

/// Maximum duration of a setting: 365 days.
const MAX_DURATION: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Parses a number with an optional unit. Numbers that exceed the type are rounded down to its maximum, so that their error
/// states the bound of the setting.
fn with_unit(text: &str) -> Result<u64, String> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number {
        return Ok(text.parse().unwrap_or(u64::MAX));
    }
    let ByteSize(value) = text.parse()?;
    Ok(value)
}

/// Parses a size such as `10MiB` or `500kB`, from 1 byte to `MAX` bytes.
pub(crate) fn size<const MAX: u64>(text: &str) -> Result<usize, String> {
    let bytes = with_unit(text)?;
    if !(1..=MAX).contains(&bytes) {
        return Err(format!("must be 1 to {MAX} bytes"));
    }
    usize::try_from(bytes).map_err(|_| "exceeds the address space of this machine".to_owned())
}

/// Parses a count such as `64` or `24M`, from 1 to `MAX`.
pub(crate) fn count<const MAX: u64>(text: &str) -> Result<u64, String> {
    let count = with_unit(text)?;
    if (1..=MAX).contains(&count) {
        Ok(count)
    } else {
        Err(format!("must be 1 to {MAX}"))
    }
}

/// Parses a count such as `64` or `1k`, from 1 to `MAX`.
pub(crate) fn number<const MAX: u64>(text: &str) -> Result<NonZeroUsize, String> {
    let count = usize::try_from(count::<MAX>(text)?).ok();
    count
        .and_then(NonZeroUsize::new)
        .ok_or_else(|| "exceeds the address space of this machine".to_owned())
}

/// Parses a duration such as `30s`, `500ms` or `0s`, at most 365 days.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    at_most_a_year(time)
}

/// Parses a duration such as `30s` or `500ms`, greater than 0 and at most 365 days.
pub(crate) fn positive_duration(text: &str) -> Result<Duration, String> {
    let time = duration(text)?;
    if time.is_zero() {
        Err("must be greater than 0".to_owned())
    } else {
        Ok(time)
    }
}

/// Parses a number from 0 to 1.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok();
    share
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| "must be a number from 0 to 1".to_owned())
}

/// Parses a number greater than 0 and at most 1.
pub(super) fn positive_share(text: &str) -> Result<f64, String> {
    let share = share(text).ok().filter(|share| *share > 0.0);
    share.ok_or_else(|| "must be a number greater than 0 and at most 1".to_owned())
}

fn at_most_a_year(time: Duration) -> Result<Duration, String> {
    if time <= MAX_DURATION {
        Ok(time)
    } else {
        Err("must be at most 365d".to_owned())
    }
}

/// Parses a number of seconds (`5`, `0.5`) or a duration with a unit (`500ms`), greater than 0 and at most 365 days.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 => Duration::try_from_secs_f64(seconds)
            .map_err(|error| error.to_string())
            .and_then(at_most_a_year),
        Ok(_) => Err("must be greater than 0".to_owned()),
        Err(_) => positive_duration(text),
    }
}
