//! `mien serve` as a child process.

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use mien_loadgen::{
    connection::{Connection, request},
    process::Process,
};

use crate::attack::Target;

/// Maximum time until readiness.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Models of the attacked server, relative to the root of the checkout.
const MODELS: &str = "tests/fixtures/models";

/// A ready server, which is killed on drop.
pub(crate) struct Server {
    child: Child,
    target: Target,
}

impl Server {
    /// Starts a server with the fixture models and waits until it is ready. `flags` may name other models. If they set the log
    /// level, the log is not read.
    ///
    /// # Errors
    /// Returns an error if the server cannot be started or does not become ready.
    pub(crate) async fn start(mien: &Path, flags: &[&str]) -> anyhow::Result<Self> {
        let (http, grpc) = (free_address()?, free_address()?);
        let mut command = Command::new(mien);
        command.args(["serve", "--device=cpu", "--tune=off"]);
        if flags.iter().any(|flag| flag.starts_with("--log=")) {
            // Nobody reads the pipe.
            command.stderr(Stdio::piped());
        } else {
            command.arg("--log=error");
        }
        command.arg("--state=memory");
        command.args([format!("--addr={http}"), format!("--grpc-addr={grpc}")]);
        if !flags.iter().any(|flag| flag.starts_with("--models")) {
            command.args(["--models", MODELS]);
        }
        let child = command
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", mien.display()))?;
        let process = Process(child.id());
        let target = Target {
            http,
            grpc,
            process,
        };
        let mut server = Self { child, target };
        server.wait_until_ready().await?;
        Ok(server)
    }

    async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        let addr = self.target.http;
        let ask = request("GET", addr, "/health/ready", &[], &[]);
        let mut connection = Connection::new(addr);
        loop {
            let response = connection.send(&ask).await;
            if response.is_ok_and(|response| response.status == 200) {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended before it was ready: {status}");
            }
            if started.elapsed() > READY_WITHIN {
                bail!(
                    "the server was not ready within {} s",
                    READY_WITHIN.as_secs()
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the server has ended by itself.
    ///
    /// # Errors
    /// Returns an error if the server does not end in time or fails.
    pub(crate) async fn wait_until_ended(&mut self, within: Duration) -> anyhow::Result<()> {
        let started = Instant::now();
        while started.elapsed() < within {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "the server ended with {status}");
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("the server did not end within {within:?}")
    }

    /// Returns the addresses and the process.
    pub(crate) fn target(&self) -> Target {
        self.target
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns a loopback address whose port is free unless another process takes it first.
fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen on loopback")?;
    Ok(listener.local_addr()?)
}
