//! A model repository with one version, for a server that loads nothing else.

use std::{fs, os::unix::fs::symlink, path::Path};

use anyhow::Context;
use tempfile::TempDir;

use crate::{
    inference::engine::{Engine, Execution},
    models::{
        ModelVersion, name::ModelName, repository::VersionDir, version_config::VersionConfig,
    },
};

/// A temporary repository with links to one version and, if the version is an ensemble, to its members.
pub(super) struct SingleVersionRepository {
    root: TempDir,
    version: ModelName,
    execution: Execution,
}

impl SingleVersionRepository {
    /// Creates links to a version and its members. A server of the repository uses the engine `execution`.
    pub(super) fn new(
        name: &str,
        found: &VersionDir,
        execution: Execution,
    ) -> anyhow::Result<Self> {
        let root = tempfile::tempdir().context("cannot create a temporary directory")?;
        let number = found
            .path
            .file_name()
            .and_then(|number| number.to_str()?.parse().ok());
        let number = number.unwrap_or(ModelVersion::FIRST);
        link(root.path(), name, number, &found.path)?;
        let ensemble = VersionConfig::read(&found.path)?.ensemble;
        for share in ensemble.into_iter().flat_map(|ensemble| ensemble.members) {
            let member = share.member;
            let path = found.repository.member_path(&member);
            let path =
                path.with_context(|| format!("the model of the member {member} is unknown"))?;
            link(root.path(), member.name(), member.version(), &path)?;
        }
        let version = ModelName {
            name: name.to_owned(),
            version: Some(number),
        };
        Ok(Self {
            root,
            version,
            execution,
        })
    }

    /// Returns the directory.
    pub(super) fn root(&self) -> &Path {
        self.root.path()
    }

    /// Flags of a server that loads only the version.
    pub(super) fn flags(&self) -> [String; 5] {
        let device = match self.execution.engine {
            Engine::OnnxRuntime => "cpu",
            Engine::OpenVino => "openvino",
        };
        [
            format!("--device={device}"),
            format!("--precision={}", self.execution.precision.name()),
            format!(
                "--tune-cache={}",
                self.root.path().join(".tuning").display()
            ),
            format!("--default-model={}", self.version),
            "--version-policy=none".to_owned(),
        ]
    }
}

fn link(root: &Path, name: &str, version: ModelVersion, folder: &Path) -> anyhow::Result<()> {
    let model = root.join(name);
    fs::create_dir_all(&model)?;
    let shown = || format!("linking `{}`", folder.display());
    let target = fs::canonicalize(folder).with_context(shown)?;
    symlink(target, model.join(version.to_string())).with_context(shown)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::models::repository::Repository;

    #[test]
    fn repository_of_an_ensemble_links_its_members() {
        let models = tempfile::tempdir().unwrap();
        for version in ["m/1", "m/2", "n/7"] {
            fs::create_dir_all(models.path().join(version)).unwrap();
        }
        let manifest = "[ensemble]\nmembers = ['m@1', 'n@7']";
        fs::write(models.path().join("m/2/mien.toml"), manifest).unwrap();
        let directory = Arc::new(Repository::Directory(models.path().to_owned()));
        let found = VersionDir::new(&directory, models.path().join("m/2")).unwrap();
        let repository = SingleVersionRepository::new("m", &found, Execution::default()).unwrap();
        for version in ["m/1", "m/2", "n/7"] {
            let linked = fs::canonicalize(repository.root.path().join(version)).unwrap();
            assert_eq!(
                linked,
                fs::canonicalize(models.path().join(version)).unwrap()
            );
        }
        assert!(
            repository
                .flags()
                .contains(&"--default-model=m@2".to_owned())
        );
    }
}
