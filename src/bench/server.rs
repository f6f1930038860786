//! `mien serve` of this very program as a child, serving one model.

use std::{
    env, fs,
    net::{SocketAddr, TcpListener},
    os::unix::fs::symlink,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use super::process::Process;
use crate::client::{Connection, request};

/// How long a server may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// A server that is ready; killed when it is dropped.
pub(super) struct Server {
    child: Child,
    pub(super) addr: SocketAddr,
    /// From the start of the process to readiness.
    pub(super) ready_after: Duration,
}

impl Server {
    /// Starts a server of the models of a folder and waits until it is ready.
    pub(super) async fn start(models: &Path, flags: &[String]) -> anyhow::Result<Self> {
        // The port is free when the server takes it, unless somebody else is quicker.
        let addr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let program = env::current_exe().context("finding this program")?;
        let started = Instant::now();
        let child = Command::new(program)
            .args(["serve", "--log=warn", "--state=memory", "--addr"])
            .arg(addr.to_string())
            .arg("--models")
            .arg(models)
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("starting the server")?;
        let mut server = Self { child, addr, ready_after: Duration::ZERO };
        let mut connection = Connection::new(addr);
        let ask = request("GET", addr, "/health/ready", &[], &[]);
        while !connection.ask(&ask).await.is_ok_and(|answer| answer.status == 200) {
            if let Some(status) = server.child.try_wait()? {
                bail!("the server ended before it was ready: {status}");
            }
            if started.elapsed() > READY_WITHIN {
                bail!("the server was not ready within {} s", READY_WITHIN.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        server.ready_after = started.elapsed();
        Ok(server)
    }

    pub(super) fn process(&self) -> Process {
        Process(self.child.id())
    }

    /// A document.
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<serde_json::Value> {
        let mut connection = Connection::new(self.addr);
        let answer = connection.ask(&request("GET", self.addr, path, &[], &[])).await?;
        Ok(serde_json::from_slice(answer.body)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A models folder that holds one version, by a link.
pub(super) fn folder_of_one(name: &str, version: &Path) -> anyhow::Result<tempfile::TempDir> {
    let root = tempfile::tempdir().context("making a folder")?;
    let model = root.path().join(name);
    fs::create_dir(&model)?;
    symlink(fs::canonicalize(version)?, model.join("1"))?;
    Ok(root)
}
