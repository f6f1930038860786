//! The layouts of a repository, and the versions in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{IgnoredPath, VersionDir, ignored, is_version};
use crate::models::{ModelVersion, ensemble::MemberName};

/// Content of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Models with at least one version, by name.
    pub models: BTreeMap<String, VersionDirs>,
    /// Models whose directories could not be read, or that [`Repository::Models`] names and that do not have a version.
    pub unreadable: BTreeSet<String>,
    /// Files and directories that look like models but have the wrong name or place.
    pub ignored: Vec<IgnoredPath>,
}

/// The versions of one model.
pub type VersionDirs = BTreeMap<ModelVersion, VersionDir>;

/// The directories of the models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repository {
    /// A models directory with the layout `<name>/<version>/`.
    Directory(PathBuf),
    /// One directory per model, by name. It is the directory of version 1 or contains the versions.
    Models(BTreeMap<String, PathBuf>),
}

impl Repository {
    /// Returns the directory of a version, which may not exist. Returns `None` if the name of the model is unknown.
    pub fn version_path(&self, name: &str, version: ModelVersion) -> Option<PathBuf> {
        match self {
            Self::Directory(root) => Some(root.join(name).join(version.to_string())),
            Self::Models(models) => {
                let directory = models.get(name)?;
                if version == ModelVersion::FIRST && is_version(directory) {
                    return Some(directory.clone());
                }
                Some(directory.join(version.to_string()))
            }
        }
    }

    /// Returns whether a model has a directory.
    pub fn has_model(&self, name: &str) -> bool {
        match self {
            Self::Directory(root) => root.join(name).is_dir(),
            Self::Models(models) => models.get(name).is_some_and(|path| path.is_dir()),
        }
    }

    /// Returns the directory of a member of an ensemble, like [`Self::version_path`]. In a models directory it is always two levels
    /// deep.
    pub fn member_path(&self, member: &MemberName) -> Option<PathBuf> {
        self.version_path(member.name(), member.version())
    }

    /// Lists the versions, and files and directories that look like models.
    ///
    /// # Errors
    /// Returns an error if the models directory cannot be read. A model of [`Self::Models`] without a version is listed as
    /// unreadable instead.
    pub fn list(self: &Arc<Self>) -> io::Result<Listing> {
        match &**self {
            Self::Directory(root) => self.list_directory(root),
            Self::Models(models) => Ok(self.list_models(models)),
        }
    }

    fn list_directory(self: &Arc<Self>, root: &Path) -> io::Result<Listing> {
        let mut listing = Listing {
            ignored: ignored::find(root),
            ..Listing::default()
        };
        for (name, directory) in subdirectories(root)? {
            match self.versions_below(&directory) {
                Ok(versions) if versions.is_empty() => {}
                Ok(versions) => drop(listing.models.insert(name, versions)),
                // The directory was removed after the root was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(_) => drop(listing.unreadable.insert(name)),
            }
        }
        Ok(listing)
    }

    fn list_models(self: &Arc<Self>, models: &BTreeMap<String, PathBuf>) -> Listing {
        let mut listing = Listing::default();
        for (name, directory) in models {
            listing
                .ignored
                .extend(ignored::find_in_directory_of(name, directory));
            match self.versions_of(directory) {
                Ok(versions) if !versions.is_empty() => {
                    listing.models.insert(name.clone(), versions);
                }
                // The volume may not be mounted.
                Ok(_) | Err(_) => drop(listing.unreadable.insert(name.clone())),
            }
        }
        listing
    }

    /// Returns the versions in the directory of one model.
    fn versions_of(self: &Arc<Self>, directory: &Path) -> io::Result<VersionDirs> {
        if is_version(directory) {
            let only = VersionDir::new(self, directory.to_owned())?;
            return Ok(VersionDirs::from([(ModelVersion::FIRST, only)]));
        }
        self.versions_below(directory)
    }

    fn versions_below(self: &Arc<Self>, directory: &Path) -> io::Result<VersionDirs> {
        let mut versions = VersionDirs::new();
        for (version, path) in subdirectories(directory)? {
            let Ok(number) = version.parse() else {
                continue;
            };
            if is_version(&path) {
                versions.insert(number, VersionDir::new(self, path)?);
            }
        }
        Ok(versions)
    }
}

/// Returns names and paths of the directories that are not hidden.
fn subdirectories(directory: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut directories = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(name) = name.filter(|name| !name.starts_with('.') && path.is_dir()) {
            directories.push((name.to_owned(), path));
        }
    }
    Ok(directories)
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(root) => root.display().fmt(f),
            Self::Models(models) => {
                let models = models.iter();
                let models = models.map(|(name, path)| format!("{name}={}", path.display()));
                f.write_str(&models.collect::<Vec<_>>().join(","))
            }
        }
    }
}

#[cfg(test)]
mod tests;
