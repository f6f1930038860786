//! `mien serve` of this program as a child process with one model.

use std::{
    env,
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::repository::SingleVersionRepository;
use crate::inference::engine::Execution;
use anyhow::{Context, bail};
use mien_loadgen::{
    connection::{Connection, request},
    process::Process,
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
            .arg(repository.root())
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

    /// Waits until the model uses the engine that was requested.
    ///
    /// # Errors
    /// Returns an error with the reason if the server uses another engine.
    pub(super) async fn until_engine(
        &self,
        name: &str,
        execution: Execution,
    ) -> anyhow::Result<()> {
        let [engine, precision] = [execution.engine.name(), execution.precision.name()];
        while self.started.elapsed() < READY_WITHIN {
            let document = self.get(&format!("/v1/models/{name}")).await?;
            let versions = document["versions"].as_array().into_iter().flatten();
            for version in versions {
                let serving = &version["serving"];
                if serving["engine"] == engine && serving["precision"] == precision {
                    return Ok(());
                }
                let tried = serving["engines"].as_array().into_iter().flatten();
                if let Some(problem) = tried.filter_map(|tried| tried["problem"].as_str()).next() {
                    bail!("the server cannot use {execution}: {problem}");
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("the server did not select {execution} in time")
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
