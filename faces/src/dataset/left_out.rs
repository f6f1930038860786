//! Files and directories of a data set that are not listed, and rows of `groups.csv` whose image does not exist.

use std::{collections::BTreeMap, fmt, path::Path};

use serde::{Deserialize, Serialize};

/// Maximum length of an extension in [`LeftOut::files`], in bytes.
const MAX_EXTENSION: usize = 16;

/// Maximum number of kinds in [`LeftOut::files`].
const MAX_KINDS: usize = 32;

/// Kind of files with other or no extensions.
const OTHER: &str = "other";

/// Files and directories of a data set that are not listed, and rows of `groups.csv` whose image does not exist.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeftOut {
    /// Lower-case extension -> number of files that are not images of a supported format or not in the directory of a class.
    /// `other` counts files without an extension.
    #[cfg_attr(feature = "openapi", schema(example = json!({"txt": 1})))]
    pub files: BTreeMap<String, usize>,
    /// Names of directories next to `train` and `test`, sorted.
    #[cfg_attr(feature = "openapi", schema(example = json!(["validation"])))]
    pub directories: Vec<String>,
    /// Number of rows of `groups.csv` whose image is not in the data set.
    #[serde(default)]
    pub group_rows: usize,
}

impl LeftOut {
    /// Returns whether everything is listed.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.directories.is_empty() && self.group_rows == 0
    }

    /// Counts a file.
    pub(super) fn add(&mut self, file: &Path) {
        let extension = file.extension().map(|e| e.to_string_lossy().to_lowercase());
        let kind = extension
            .filter(|extension| extension.len() <= MAX_EXTENSION)
            .filter(|extension| self.files.contains_key(extension) || self.files.len() < MAX_KINDS);
        *self
            .files
            .entry(kind.unwrap_or_else(|| OTHER.to_owned()))
            .or_default() += 1;
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let count = self.files.values().sum::<usize>();
        if count > 0 {
            let kinds = self
                .files
                .iter()
                .map(|(kind, count)| format!("{kind}: {count}"));
            let kinds = kinds.collect::<Vec<_>>().join(", ");
            parts.push(format!(
                "{count} files that are not images of a class ({kinds})"
            ));
        }
        if !self.directories.is_empty() {
            let directories = self.directories.join(", ");
            parts.push(format!("directories that are not splits: {directories}"));
        }
        if self.group_rows > 0 {
            let rows = match self.group_rows {
                1 => "1 row".to_owned(),
                rows => format!("{rows} rows"),
            };
            parts.push(format!("{rows} of groups.csv whose image does not exist"));
        }
        f.write_str(&parts.join("; "))
    }
}

/// Returns the end of a message about a missing split: the directories that may have its images.
pub fn describe_directories(directories: &[String]) -> String {
    if directories.is_empty() {
        return String::new();
    }
    format!(
        "; it has the directories {}, which are not splits; name splits train and test",
        directories.join(", ")
    )
}
