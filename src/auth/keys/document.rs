//! The file of keys: TOML with one table `[[key]]` per key.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::super::access::Scope;

/// Maximum number of keys. Each has series in the metrics.
const MAX_KEYS: usize = 1000;

/// Maximum length of a name in bytes.
const MAX_NAME: usize = 64;

/// Maximum number of images per second, of a burst and of concurrent images.
const MAX_IMAGES: u32 = 1_000_000;

/// A key of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyEntry {
    /// Name in metrics and errors: 1 to 64 letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// SHA-256 of the key.
    pub sha256: [u8; 32],
    /// The scopes of the key, at least one.
    pub scopes: Vec<Scope>,
    /// The limits.
    pub limits: LimitSettings,
}

/// The limits of a key.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LimitSettings {
    /// Maximum rate.
    pub rate: Option<Rate>,
    /// Maximum number of images that are processed at once.
    pub concurrent_images: Option<u32>,
}

/// A maximum rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Images per second, greater than 0.
    pub images_per_second: f64,
    /// Maximum number of images at once, at least 1.
    pub burst: u32,
}

/// Why the content is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// The file is not TOML, or a field is missing, unknown or has another type.
    #[error("{0}")]
    Syntax(String),
    /// The file has too many keys.
    #[error("the file has {0} keys; the maximum is {MAX_KEYS}")]
    TooMany(usize),
    /// The value of a field is invalid.
    #[error("key {position} (`{name}`): {field} {problem}")]
    Field {
        /// Position in the file, from 1.
        position: usize,
        /// Name of the key.
        name: String,
        /// Name of the field.
        field: &'static str,
        /// The problem, without the value of a secret.
        problem: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    key: Vec<Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    sha256: String,
    scopes: Vec<Scope>,
    images_per_second: Option<f64>,
    burst: Option<u32>,
    concurrent_images: Option<u32>,
}

/// Parses the content of a file.
///
/// # Errors
/// Returns the first invalid key and field.
pub fn parse(text: &str) -> Result<Vec<KeyEntry>, DocumentError> {
    let Document { key: tables } = toml::from_str(text).map_err(|error| syntax(&error, text))?;
    if tables.len() > MAX_KEYS {
        return Err(DocumentError::TooMany(tables.len()));
    }
    let (mut names, mut hashes) = (BTreeSet::new(), BTreeSet::new());
    let mut entries = Vec::with_capacity(tables.len());
    for (index, table) in tables.into_iter().enumerate() {
        let name = table.name.clone();
        let invalid = |(field, problem): (&'static str, String)| DocumentError::Field {
            position: index + 1,
            name: name.clone(),
            field,
            problem,
        };
        let entry = entry(table).map_err(invalid)?;
        if !names.insert(entry.name.clone()) {
            return Err(invalid(("name", "is used by two keys".to_owned())));
        }
        if !hashes.insert(entry.sha256) {
            return Err(invalid(("sha256", "is used by two keys".to_owned())));
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// Returns the error of the TOML parser with its line, without the lines of the file, which may contain a secret by mistake.
fn syntax(error: &toml::de::Error, text: &str) -> DocumentError {
    let line = error
        .span()
        .and_then(|span| text.get(..span.start))
        .map(|before| before.matches('\n').count() + 1);
    let line = line.map_or_else(String::new, |line| format!("line {line}: "));
    DocumentError::Syntax(format!("{line}{}", error.message()))
}

fn entry(table: Table) -> Result<KeyEntry, (&'static str, String)> {
    check_name(&table.name).map_err(|problem| ("name", problem))?;
    let mut sha256 = [0; 32];
    let decoded = hex::decode_to_slice(&table.sha256, &mut sha256);
    decoded.map_err(|_| {
        let problem = "must be the SHA-256 of the key, 64 hexadecimal digits";
        ("sha256", problem.to_owned())
    })?;
    if table.scopes.is_empty() {
        return Err(("scopes", "must not be empty".to_owned()));
    }
    let limits = limits(
        table.images_per_second,
        table.burst,
        table.concurrent_images,
    )?;
    Ok(KeyEntry {
        name: table.name,
        sha256,
        scopes: table.scopes,
        limits,
    })
}

/// Checks the name of a key, which is the value of a label in the metrics.
///
/// # Errors
/// Returns the rule for names.
pub fn check_name(name: &str) -> Result<(), String> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_allowed) {
        return Ok(());
    }
    Err(format!(
        "must be 1 to {MAX_NAME} letters, digits, `-`, `_` or `.`"
    ))
}

/// Checks the limits of a key. By default the burst is the number of images of a second, at least 1.
///
/// # Errors
/// Returns the field and its rule.
pub fn limits(
    images_per_second: Option<f64>,
    burst: Option<u32>,
    concurrent_images: Option<u32>,
) -> Result<LimitSettings, (&'static str, String)> {
    let max = f64::from(MAX_IMAGES);
    let counts = [("burst", burst), ("concurrent_images", concurrent_images)];
    for (field, count) in counts {
        if count.is_some_and(|count| !(1..=MAX_IMAGES).contains(&count)) {
            return Err((field, format!("must be 1 to {MAX_IMAGES}")));
        }
    }
    let rate = match images_per_second {
        None if burst.is_some() => {
            return Err(("burst", "needs images_per_second".to_owned()));
        }
        None => None,
        Some(rate) if rate >= 0.001 && rate <= max => Some(Rate {
            images_per_second: rate,
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the rate is positive and at most MAX_IMAGES"
            )]
            burst: burst.unwrap_or(rate.ceil() as u32),
        }),
        Some(_) => {
            let problem = format!("must be 0.001 to {MAX_IMAGES}");
            return Err(("images_per_second", problem));
        }
    };
    Ok(LimitSettings {
        rate,
        concurrent_images,
    })
}

#[cfg(test)]
mod tests;
