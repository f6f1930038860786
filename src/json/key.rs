//! Names of fields.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

/// Number of bytes of a name that are kept, which is more than any known name has.
const MAX_KEY: usize = 64;

/// The name of a field. The rest of a name of more than 64 bytes is dropped.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Key<'a>(Cow<'a, str>);

impl Key<'_> {
    /// Returns the name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Borrowed(beginning(name))))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Owned(beginning(name).to_owned())))
    }
}

fn beginning(name: &str) -> &str {
    &name[..name.floor_char_boundary(MAX_KEY)]
}
