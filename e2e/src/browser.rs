//! Chromium, controlled through ChromeDriver.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail};
use fantoccini::{Client, ClientBuilder, wd::WebDriverCompatibleCommand};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use url::{ParseError, Url};

use crate::{FOREIGN_HOST, repository_path};

/// Flags that disable the window, the sandbox (which does not work in containers and for root), and requests that the
/// browser makes on its own. The last two create a camera, which pages may use without a question.
const FLAGS: [&str; 13] = [
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
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
];

/// A browser with one tab. Call [`Self::close`]; dropping the value stops only the driver.
pub(crate) struct Browser {
    pub(crate) client: Client,
    driver: Driver,
    _profile: TempDir,
}

impl Browser {
    /// Starts ChromeDriver, which starts Chromium. `CHROMEDRIVER` and `CHROMIUM` name the programs; by default ChromeDriver is
    /// searched for on `PATH` and finds Chromium itself.
    pub(crate) async fn start() -> Result<Self> {
        let program = std::env::var("CHROMEDRIVER").unwrap_or_else(|_| "chromedriver".to_owned());
        let driver = Driver::start(&program)?;
        let profile = tempfile::tempdir()?;
        let mut flags = FLAGS.map(str::to_owned).to_vec();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        flags.push(format!(
            "--host-resolver-rules=MAP {FOREIGN_HOST} 127.0.0.1"
        ));
        let video = profile.path().join("camera.mjpeg");
        write_video(&video)?;
        flags.push(format!(
            "--use-file-for-fake-video-capture={}",
            video.display()
        ));
        let mut options = json!({ "args": flags });
        if let Ok(program) = std::env::var("CHROMIUM") {
            options["binary"] = program.into();
        }
        let capabilities = Map::from_iter([
            ("goog:chromeOptions".to_owned(), options),
            (
                "goog:loggingPrefs".to_owned(),
                json!({"browser": "ALL", "performance": "ALL"}),
            ),
        ]);
        let mut client = ClientBuilder::new(HttpConnector::new());
        let client = client
            .capabilities(capabilities)
            .connect(&driver.address)
            .await;
        let client = client.context("cannot start the browser")?;
        Ok(Self {
            client,
            driver,
            _profile: profile,
        })
    }

    /// Returns the log entries since the last call. The kind `browser` is the console, `performance` has the requests.
    pub(crate) async fn log(&self, kind: &str) -> Result<Value> {
        let command = Extension {
            path: "se/log",
            body: json!({"type": kind}),
        };
        self.client
            .issue_cmd(command)
            .await
            .with_context(|| format!("cannot read the {kind} log"))
    }

    /// Runs a command of the DevTools protocol.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Result<Value> {
        let body = json!({"cmd": command, "params": parameters});
        let response = self
            .client
            .issue_cmd(Extension {
                path: "goog/cdp/execute",
                body,
            })
            .await;
        response.with_context(|| format!("cannot run the DevTools command {command}"))
    }

    /// Stops the browser and the driver.
    pub(crate) async fn close(self) -> Result<()> {
        let closed = self.client.close().await.context("cannot stop the browser");
        drop(self.driver);
        closed
    }
}

/// Writes the video of the camera: a photo of one face, repeated. The format is a sequence of JPEG files.
fn write_video(path: &Path) -> Result<()> {
    const FRAMES: usize = 10;
    let photo = repository_path("tests/fixtures/photos/astronaut.jpg");
    let photo = fs::read(&photo).with_context(|| format!("cannot read {}", photo.display()))?;
    fs::write(path, photo.repeat(FRAMES)).context("cannot write the video of the camera")
}

/// A ChromeDriver process. It is killed when the value is dropped.
struct Driver {
    child: Child,
    address: String,
}

impl Driver {
    fn start(program: &str) -> Result<Self> {
        let mut command = Command::new(program);
        command
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {program}; install it or set CHROMEDRIVER"))?;
        let stdout = child
            .stdout
            .take()
            .context("stdout of ChromeDriver is not piped")?;
        let mut driver = Self {
            child,
            address: String::new(),
        };
        for line in BufReader::new(stdout).lines() {
            // "ChromeDriver was started successfully on port 12345."
            if let Some((_, port)) = line?.split_once("successfully on port ") {
                driver.address = format!("http://127.0.0.1:{}", port.trim_end_matches('.'));
                return Ok(driver);
            }
        }
        bail!("{program} exited before it listened")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A WebDriver command that only ChromeDriver has.
#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!(
            "session/{}/{}",
            session.unwrap_or_default(),
            self.path
        ))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
