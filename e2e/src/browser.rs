//! Chromium under ChromeDriver.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail};
use fantoccini::{Client, ClientBuilder, wd::WebDriverCompatibleCommand};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use url::{ParseError, Url};

/// No request of the browser's own, no sandbox (which containers and root do not have), no window.
const FLAGS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1440,900",
];

/// A browser with one tab. [`Self::close`] ends it; dropping it ends the driver alone.
pub(crate) struct Browser {
    pub(crate) client: Client,
    driver: Driver,
    _profile: TempDir,
}

impl Browser {
    /// Starts `CHROMEDRIVER`, by default the one on the search path, and with it `CHROMIUM`, by default the one that it finds.
    pub(crate) async fn start() -> Result<Self> {
        let program = std::env::var("CHROMEDRIVER").unwrap_or_else(|_| "chromedriver".to_owned());
        let driver = Driver::start(&program)?;
        let profile = tempfile::tempdir()?;
        let mut flags = FLAGS.map(str::to_owned).to_vec();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        let mut options = json!({ "args": flags });
        if let Ok(program) = std::env::var("CHROMIUM") {
            options["binary"] = program.into();
        }
        let capabilities = Map::from_iter([
            ("goog:chromeOptions".to_owned(), options),
            ("goog:loggingPrefs".to_owned(), json!({"browser": "ALL", "performance": "ALL"})),
        ]);
        let mut client = ClientBuilder::new(HttpConnector::new());
        let client = client.capabilities(capabilities).connect(&driver.address).await;
        let client = client.context("cannot start the browser")?;
        Ok(Self { client, driver, _profile: profile })
    }

    /// What has been logged since the last time: `browser` is the console, `performance` has the requests.
    pub(crate) async fn log(&self, kind: &str) -> Result<Value> {
        let command = Extension { path: "se/log", body: json!({"type": kind}) };
        self.client.issue_cmd(command).await.with_context(|| format!("the log of kind {kind}"))
    }

    /// A command of the DevTools protocol.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Result<Value> {
        let body = json!({"cmd": command, "params": parameters});
        let answer = self.client.issue_cmd(Extension { path: "goog/cdp/execute", body }).await;
        answer.with_context(|| command.to_owned())
    }

    /// Ends browser and driver.
    pub(crate) async fn close(self) -> Result<()> {
        let closed = self.client.close().await.context("cannot end the browser");
        drop(self.driver);
        closed
    }
}

/// ChromeDriver; killed when it is dropped.
struct Driver {
    child: Child,
    address: String,
}

impl Driver {
    fn start(program: &str) -> Result<Self> {
        let mut command = Command::new(program);
        command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().with_context(|| format!("cannot start {program}"))?;
        let stdout = child.stdout.take().context("its output is piped")?;
        let mut driver = Self { child, address: String::new() };
        for line in BufReader::new(stdout).lines() {
            // "ChromeDriver was started successfully on port 12345."
            if let Some((_, port)) = line?.split_once("successfully on port ") {
                driver.address = format!("http://127.0.0.1:{}", port.trim_end_matches('.'));
                return Ok(driver);
            }
        }
        bail!("{program} ended before it listened")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command of ChromeDriver's own.
#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
