//! `mien serve` as a child process.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::programs::Programs;

/// Maximum time until a server is ready, a model is loaded or a server ends. The first use of CUDA loads gigabytes of libraries.
const START_TIMEOUT: Duration = Duration::from_secs(180);

/// Interval between two checks of a state.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Time limit of the server for a request. A slow CPU needs more than the default for a request with many images.
const REQUEST_LIMIT: &str = "300s";

/// Timeout of one HTTP request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// A running server. It is killed when the value is dropped.
pub(super) struct Server {
    child: Child,
    addr: SocketAddr,
    log: PathBuf,
}

impl Server {
    /// Starts a server without waiting. `prepare` selects the GPUs that the server can use.
    ///
    /// # Errors
    /// Returns an error if the server cannot be started.
    pub(super) fn spawn(
        programs: &Programs,
        models: &Path,
        device: &str,
        prepare: impl FnOnce(&mut Command),
    ) -> Result<Self> {
        let addr = free_address()?;
        let log = models.with_file_name(format!("server-{}.log", addr.port()));
        let mut command = programs.mien();
        prepare(&mut command);
        command
            .args(["serve", "--state", "memory", "--tune", "off"])
            .args(["--request-timeout", REQUEST_LIMIT, "--addr"])
            .arg(addr.to_string())
            .args(["--device", device, "--models"])
            .arg(models)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?);
        let child = command.spawn().context("cannot start mien serve")?;
        Ok(Self { child, addr, log })
    }

    /// Waits until the server is ready, and returns it.
    ///
    /// # Errors
    /// Returns an error with the server's last log line if the server ends or does not become ready in time.
    pub(super) fn ready(mut self) -> Result<Self> {
        self.wait_for("a ready server", |server| {
            Ok(server.get("/health/ready").ok())
        })?;
        Ok(self)
    }

    /// Waits until a model is loaded, and returns its device.
    ///
    /// # Errors
    /// Returns an error if the server ends or does not load the model in time.
    pub(super) fn device_of(&mut self, model: &str) -> Result<String> {
        let path = format!("/v1/models/{model}");
        self.wait_for(&format!("the model {model}"), |server| {
            // The server responds with an error until it has read the repository.
            let Ok(mut found) = server.get(&path) else {
                return Ok(None);
            };
            let versions = found["versions"].take();
            let versions = versions.as_array().into_iter().flatten();
            let mut devices = versions.filter_map(|version| version.pointer("/serving/device"));
            Ok(devices.next().and_then(Value::as_str).map(str::to_owned))
        })
    }

    /// Waits until the server ends with an error, and returns its log.
    ///
    /// # Errors
    /// Returns an error if the server runs on, or ends without an error.
    pub(super) fn failure(mut self) -> Result<String> {
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                ensure!(!status.success(), "the server ended without an error");
                return self.log();
            }
            if self.get("/health/ready").is_ok() {
                bail!("the server became ready");
            }
            thread::sleep(POLL_INTERVAL);
        }
        bail!("the server did not end in {} s", START_TIMEOUT.as_secs())
    }

    /// Returns the URL of a path.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// Repeats a check until it returns a value.
    fn wait_for<T>(&mut self, what: &str, check: impl Fn(&Self) -> Result<Option<T>>) -> Result<T> {
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                let log = self.log()?;
                bail!(
                    "the server ended ({status}): {}",
                    log.lines().last().unwrap_or_default()
                );
            }
            if let Some(found) = check(self)? {
                return Ok(found);
            }
            thread::sleep(POLL_INTERVAL);
        }
        let seconds = START_TIMEOUT.as_secs();
        bail!("waited {seconds} s for {what}:\n{}", self.log()?)
    }

    /// Sends a GET request and returns the JSON body.
    fn get(&self, path: &str) -> Result<Value> {
        let mut stream = TcpStream::connect(self.addr)?;
        stream.set_read_timeout(Some(REQUEST_TIMEOUT))?;
        stream.set_write_timeout(Some(REQUEST_TIMEOUT))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.addr
        )?;
        let mut response = String::new();
        stream.read_to_string(&mut response)?;
        body(&response).with_context(|| format!("GET {}", self.url(path)))
    }

    fn log(&self) -> Result<String> {
        fs::read_to_string(&self.log).with_context(|| format!("cannot read {}", self.log.display()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if the server has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns a loopback address that no program uses.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?)
}

/// Returns the JSON body of a response with status 200.
fn body(response: &str) -> Result<Value> {
    let (head, body) = response
        .split_once("\r\n\r\n")
        .context("the response does not have a body")?;
    let status = head.lines().next().unwrap_or_default();
    ensure!(
        status.split(' ').nth(1) == Some("200"),
        "the response is {status:?}"
    );
    Ok(serde_json::from_str(body)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_of_response_is_parsed() {
        let found = body("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n{\"a\":1}").unwrap();
        assert_eq!(found["a"], 1);
    }

    #[test]
    fn response_with_error_status_is_rejected() {
        let error = body("HTTP/1.1 503 Service Unavailable\r\n\r\n{}").unwrap_err();
        assert!(error.to_string().contains("503"), "{error}");
        assert!(body("").is_err());
    }
}
