//! API keys: secrets of clients with scopes and limits.
//!
//! A key has 256 random bits. A plain SHA-256 of it is therefore enough: slow hashes protect passwords that can be guessed, and
//! a key with 256 random bits cannot be guessed.

pub mod document;
mod limits;
mod rate_limit;
pub mod secret;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use arc_swap::ArcSwap;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

pub use self::limits::{Admission, LimitExceeded, LimitKind, seconds};
use self::{
    document::{DocumentError, KeyEntry},
    limits::Limits,
};
use super::access::Scope;
use crate::metrics::{KeyFamilies, KeyMetrics, KeyOutcome, KeyUsage};

/// Maximum size of a file of keys in bytes.
const MAX_FILE: u64 = 1 << 20;

/// A key with its counters.
pub struct Key {
    name: Arc<str>,
    hash: [u8; 32],
    scopes: Vec<Scope>,
    limits: Arc<Limits>,
    metrics: KeyMetrics,
    /// Whether the key was removed or replaced by another value or fewer scopes. Connections and streams can be open longer.
    /// Keys that replace each other for open connections share the value.
    is_revoked: Arc<AtomicBool>,
}

impl Key {
    /// Returns whether the key has one of the scopes, and counts the request.
    pub(super) fn has_scope(&self, scopes: &[Scope]) -> bool {
        let has = scopes.iter().any(|scope| self.scopes.contains(scope));
        self.metrics.count_request(if has {
            KeyOutcome::Accepted
        } else {
            KeyOutcome::Forbidden
        });
        has
    }

    /// Returns whether an entry of the file describes this key.
    fn is_same(&self, entry: &KeyEntry) -> bool {
        self.hash == entry.sha256
            && self.scopes == entry.scopes
            && self.limits.settings() == entry.limits
    }

    /// Returns whether an entry of the same name replaces this key for open connections: it has the same value and at least the same
    /// scopes.
    fn is_replaced_by(&self, entry: &KeyEntry) -> bool {
        let has = |scope| entry.scopes.contains(scope);
        self.hash == entry.sha256 && self.scopes.iter().all(has)
    }

    /// Returns the state of the limits.
    fn usage(&self) -> KeyUsage {
        KeyUsage {
            key: Arc::clone(&self.name),
            available_images: self.limits.available_images(),
            concurrent_images: self.limits.concurrent_images().map(f64::from),
        }
    }

    /// Admits images within the limits of the key.
    ///
    /// # Errors
    /// Returns the exceeded limit.
    pub(super) fn admit(&self, images: usize) -> Result<Admission, LimitExceeded> {
        let admitted = if self.is_revoked.load(Ordering::Acquire) {
            Err(LimitKind::Revoked)
        } else {
            self.limits.admit(images)
        };
        match &admitted {
            Ok(_) => self.metrics.count_images(images),
            Err(kind) => self.metrics.count_limited(kind.name()),
        }
        admitted.map_err(|kind| LimitExceeded {
            key: Arc::clone(&self.name),
            kind,
        })
    }
}

/// Why a file of keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read.
    #[error("cannot read the API keys `{}` (--api-keys)", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// The content is invalid.
    #[error("invalid API keys in `{}` (--api-keys)", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The invalid key and field.
        source: DocumentError,
    },
}

/// The keys of a server. They are replaced when the file changes.
pub struct ApiKeys {
    path: PathBuf,
    keys: Arc<ArcSwap<Vec<Arc<Key>>>>,
    families: KeyFamilies,
}

impl ApiKeys {
    /// Reads the keys of a file.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or is invalid.
    pub fn open(path: &Path, families: KeyFamilies) -> Result<Self, KeyFileError> {
        let keys = Self {
            path: path.to_owned(),
            keys: Arc::default(),
            families,
        };
        keys.reload()?;
        let current = Arc::clone(&keys.keys);
        let usage = move || current.load().iter().map(|key| key.usage()).collect();
        keys.families.observe_limits(usage);
        Ok(keys)
    }

    /// Reads the file again. Keys whose name and limits are unchanged keep their counters. Keys that were removed, that have another
    /// value or that lost a scope are revoked.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or is invalid. The previous keys remain valid.
    pub fn reload(&self) -> Result<(), KeyFileError> {
        let path = || self.path.clone();
        let text = read(&self.path).map_err(|source| KeyFileError::Read {
            path: path(),
            source,
        })?;
        let entries = document::parse(&text).map_err(|source| KeyFileError::Invalid {
            path: path(),
            source,
        })?;
        let previous = self.keys.load_full();
        let by_name: BTreeMap<&str, &Arc<Key>> =
            previous.iter().map(|key| (&*key.name, key)).collect();
        let create = |entry: KeyEntry| match by_name.get(entry.name.as_str()) {
            Some(key) if key.is_same(&entry) => Arc::clone(key),
            previous => Arc::new(self.key(entry, previous.map(|key| key.as_ref()))),
        };
        let keys: Vec<Arc<Key>> = entries.into_iter().map(create).collect();
        let names: BTreeSet<&str> = keys.iter().map(|key| &*key.name).collect();
        for removed in by_name.keys().filter(|name| !names.contains(*name)) {
            self.families.remove(removed);
        }
        self.keys.store(Arc::new(keys));
        let current = self.keys.load();
        for key in previous.iter() {
            let is_current = current
                .iter()
                .any(|other| Arc::ptr_eq(&key.is_revoked, &other.is_revoked));
            key.is_revoked.store(!is_current, Ordering::Release);
        }
        Ok(())
    }

    /// Returns the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the number of keys.
    pub fn count(&self) -> usize {
        self.keys.load().len()
    }

    fn key(&self, entry: KeyEntry, previous: Option<&Key>) -> Key {
        let limits = previous
            .map(|key| &key.limits)
            .filter(|limits| limits.settings() == entry.limits)
            .map_or_else(|| Arc::new(Limits::new(entry.limits)), Arc::clone);
        let replaced = previous.filter(|key| key.is_replaced_by(&entry));
        Key {
            is_revoked: replaced.map_or_else(Arc::default, |key| Arc::clone(&key.is_revoked)),
            metrics: self.families.key(&entry.name),
            name: entry.name.into(),
            hash: entry.sha256,
            scopes: entry.scopes,
            limits,
        }
    }

    /// Returns the key with this value. The time does not depend on which key matches or how many bytes of a hash are equal.
    pub(super) fn find(&self, secret: &[u8]) -> Option<Arc<Key>> {
        let hash: [u8; 32] = Sha256::digest(secret).into();
        let mut found = None;
        for key in self.keys.load().iter() {
            if bool::from(key.hash.ct_eq(&hash)) {
                found = Some(Arc::clone(key));
            }
        }
        found
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = File::open(path)?
        .take(MAX_FILE + 1)
        .read_to_string(&mut text)?;
    if read as u64 > MAX_FILE {
        let message = format!("the file has more than {MAX_FILE} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
