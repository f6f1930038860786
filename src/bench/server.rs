//! `mien serve` of this program as a child process with one model.

use std::{
    env, fs,
    net::{SocketAddr, TcpListener},
    os::unix::fs::symlink,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use mien_loadgen::{
    connection::{Connection, request},
    process::Process,
};
use tempfile::TempDir;

use crate::models::{
    ModelVersion, name::ModelName, repository::VersionDir, version_config::VersionConfig,
};

/// Maximum time until a reliable measurement.
const MEASURED_WITHIN: Duration = Duration::from_secs(60);

/// Maximum time until readiness.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// A ready server, which is killed on drop.
pub(super) struct Server {
    child: Child,
    started: Instant,
    pub(super) addr: SocketAddr,
    /// Time from the start of the process to readiness.
    pub(super) ready_after: Duration,
}

impl Server {
    /// Starts a server of one version and waits until it is ready.
    pub(super) async fn start(repository: &SingleVersionRepository) -> anyhow::Result<Self> {
        // The port is free unless another process takes it first.
        let addr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let program = env::current_exe().context("cannot find the path of this program")?;
        let started = Instant::now();
        let child = Command::new(program)
            .args(["serve", "--log=warn", "--state=memory", "--addr"])
            .arg(addr.to_string())
            .arg("--models")
            .arg(repository.root.path())
            .args(repository.flags())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("cannot start the server")?;
        let mut server = Self {
            child,
            started,
            addr,
            ready_after: Duration::ZERO,
        };
        let mut connection = Connection::new(addr);
        let ask = request("GET", addr, "/health/ready", &[], &[]);
        while !connection
            .send(&ask)
            .await
            .is_ok_and(|response| response.status == 200)
        {
            if let Some(status) = server.child.try_wait()? {
                bail!("the server ended before it was ready: {status}");
            }
            if started.elapsed() > READY_WITHIN {
                bail!(
                    "the server was not ready within {} s",
                    READY_WITHIN.as_secs()
                );
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        server.ready_after = started.elapsed();
        Ok(server)
    }

    /// Waits until the tuning curve of the model is measured reliably, and returns the time since the start. Returns `None` after
    /// [`MEASURED_WITHIN`], and at once if tuning is off.
    pub(super) async fn until_measured(&self, name: &str) -> anyhow::Result<Option<Duration>> {
        if env::var_os("MIEN_TUNE").is_some_and(|mode| mode == "off") {
            return Ok(None);
        }
        while self.started.elapsed() < MEASURED_WITHIN {
            let document = self.get(&format!("/v1/models/{name}")).await?;
            let mut versions = document["versions"].as_array().into_iter().flatten();
            let is_reliable = |version: &serde_json::Value| {
                let tuning = &version["serving"]["tuning"];
                tuning["provisional"] == false || tuning["source"] == "settings"
            };
            if versions.any(is_reliable) {
                return Ok(Some(self.started.elapsed()));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tracing::warn!(name, "bench: no reliable measurement; end other programs");
        Ok(None)
    }

    pub(super) fn process(&self) -> Process {
        Process(self.child.id())
    }

    /// Requests a JSON document.
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<serde_json::Value> {
        let mut connection = Connection::new(self.addr);
        let response = connection
            .send(&request("GET", self.addr, path, &[], &[]))
            .await?;
        Ok(serde_json::from_slice(response.body)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A temporary repository with links to one version and, if the version is an ensemble, to its members.
pub(super) struct SingleVersionRepository {
    root: TempDir,
    version: ModelName,
}

impl SingleVersionRepository {
    /// Creates links to a version and its members.
    pub(super) fn new(name: &str, found: &VersionDir) -> anyhow::Result<Self> {
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
            link(
                root.path(),
                member.name(),
                member.version(),
                &member.path(&found.root),
            )?;
        }
        let version = ModelName {
            name: name.to_owned(),
            version: Some(number),
        };
        Ok(Self { root, version })
    }

    /// Flags of a server that loads only the version.
    fn flags(&self) -> [String; 4] {
        [
            "--device=cpu".to_owned(),
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
    use super::*;

    #[test]
    fn repository_of_an_ensemble_links_its_members() {
        let models = tempfile::tempdir().unwrap();
        for version in ["m/1", "m/2", "n/7"] {
            fs::create_dir_all(models.path().join(version)).unwrap();
        }
        let manifest = "[ensemble]\nmembers = ['m@1', 'n@7']";
        fs::write(models.path().join("m/2/mien.toml"), manifest).unwrap();
        let found = VersionDir::new(models.path(), models.path().join("m/2")).unwrap();
        let repository = SingleVersionRepository::new("m", &found).unwrap();
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
