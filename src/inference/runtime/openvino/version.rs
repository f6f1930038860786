//! The version of an installed plugin.

use std::{fs, io, path::Path};

use sha2::{Digest, Sha256};

/// Returns a text that changes with the plugin or one of its libraries: the SHA-256 of the plugin, and the names and sizes of
/// the other libraries of its directory.
///
/// # Errors
/// Returns an error if a file cannot be read.
pub(super) fn of(plugin: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    hasher.update(fs::read(plugin)?);
    let mut libraries = Vec::new();
    for entry in fs::read_dir(plugin.parent().unwrap_or(plugin))? {
        let entry = entry?;
        libraries.push((entry.file_name(), fs::metadata(entry.path())?.len()));
    }
    libraries.sort();
    for (name, size) in libraries {
        hasher.update(format!("{} {size}\n", name.display()));
    }
    Ok(hex::encode(hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_changes_with_plugin_and_libraries() {
        let directory = tempfile::tempdir().unwrap();
        let plugin = directory.path().join("plugin.so");
        fs::write(&plugin, "1").unwrap();
        let first = of(&plugin).unwrap();
        assert_eq!(of(&plugin).unwrap(), first);
        fs::write(&plugin, "2").unwrap();
        let second = of(&plugin).unwrap();
        assert_ne!(first, second);
        fs::write(directory.path().join("library.so"), "1").unwrap();
        assert_ne!(of(&plugin).unwrap(), second);
    }
}
