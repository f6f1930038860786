//! `mien serve` as a process of its own.

mod last_connections;
mod log;
mod privacy;
mod shutdown;
mod signals;
mod start;
mod state;
mod telemetry;
mod traces;

use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
};

use actix_web::web;
use serde_json::Value;

use crate::helpers::fixture;

/// Returns the command `mien` without tuning and with its state in memory.
pub(crate) fn mien() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mien"));
    command
        .env("MIEN_TUNE", "off")
        .env("MIEN_STATE", "memory")
        .stderr(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// A server process, which is killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    base: String,
    log: Option<BufReader<ChildStderr>>,
    /// Log events before the server was ready.
    pub(crate) start: Vec<Value>,
}

impl Server {
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::start_with(flags, "cpu")
    }

    fn start_with(flags: &[&str], device: &str) -> Self {
        Self::spawn(mien(), flags, device)
    }

    pub(crate) fn spawn(mut command: Command, flags: &[&str], device: &str) -> Self {
        command.args([
            "serve",
            "--addr=127.0.0.1:0",
            "--device",
            device,
            "--log-format=json",
        ]);
        if !flags.iter().any(|flag| flag.starts_with("--models")) {
            command.arg("--models").arg(fixture("models"));
        }
        let child = command.args(flags).spawn().unwrap();
        let mut server = Self {
            child,
            base: String::new(),
            log: None,
            start: Vec::new(),
        };
        let mut log = BufReader::new(server.child.stderr.take().unwrap());
        let mut line = String::new();
        while log.read_line(&mut line).unwrap() > 0 {
            let event: Value = serde_json::from_str(&line).expect("each line is JSON");
            if event["message"] == "serving" {
                server.base = event["url"].as_str().unwrap().to_owned();
                server.log = Some(log);
                return server;
            }
            server.start.push(event);
            line.clear();
        }
        panic!("the server ended before it was ready");
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns `http://HOST:PORT`.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    pub(crate) fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .arg(signal)
            .arg(self.child.id().to_string())
            .status();
        assert!(status.unwrap().success());
    }

    /// Waits for the end of the process and returns its exit code.
    pub(crate) async fn end(self) -> Option<i32> {
        self.status().await.code()
    }

    /// Waits for the end of the process.
    pub(crate) async fn status(mut self) -> ExitStatus {
        web::block(move || self.child.wait().unwrap())
            .await
            .unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command that must fail, and returns its standard error.
fn failure(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}
