//! A server on a free port, and what the tests say to it.

use std::{
    fs, future,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use actix_web::rt;
use clap::Parser;
use mien::{
    cli::{Cli, Command},
    models::registry::{ModelView, VersionState},
    settings::Settings,
    startup::Application,
};
use reqwest::{Client, RequestBuilder, Response, multipart};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::eventually::{TIMEOUT, eventually};

/// A path of the fixtures folder.
pub(crate) fn fixture(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(path)
}

/// The picture of a class.
pub(crate) fn face(class: &str) -> Vec<u8> {
    fs::read(fixture(&format!("faces/{class}.png"))).unwrap()
}

/// Settings as the command line gives them: the fixture models on the CPU, a free port, a quick end.
pub(crate) fn settings(flags: &[&str]) -> Settings {
    let models = fixture("models");
    let fixed = ["mien", "serve", "--addr=127.0.0.1:0", "--device=cpu"];
    let mut words: Vec<&str> = fixed.to_vec();
    if !flags.iter().any(|flag| flag.starts_with("--tune=")) {
        words.push("--tune=off");
    }
    if !flags.iter().any(|flag| flag.starts_with("--state")) {
        words.push("--state=memory");
    }
    if !flags.iter().any(|flag| flag.starts_with("--models")) {
        words.extend(["--models", models.to_str().unwrap()]);
    }
    if !flags.iter().any(|flag| flag.starts_with("--drain-delay")) {
        words.push("--drain-delay=0s");
    }
    words.extend(flags);
    let Command::Serve(settings) = Cli::parse_from(words).command else {
        panic!("`serve` was parsed");
    };
    *settings
}

/// A running server. It stops when the test ends.
pub(crate) struct TestApp {
    pub(crate) base: String,
    pub(crate) client: Client,
    stop: Option<oneshot::Sender<()>>,
    end: Option<rt::task::JoinHandle<()>>,
}

impl TestApp {
    pub(crate) fn spawn() -> Self {
        Self::spawn_with(&[])
    }

    pub(crate) fn spawn_with(flags: &[&str]) -> Self {
        Self::run(Application::build(&settings(flags)).unwrap())
    }

    /// Runs it once every model is loaded or refused.
    pub(crate) fn run(app: Application) -> Self {
        let (registry, start) = (app.registry(), Instant::now());
        let loading = |model: &ModelView| {
            model
                .versions
                .values()
                .any(|state| matches!(state, VersionState::Loading))
        };
        while registry.models().iter().any(loading) {
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "it never became ready"
            );
            thread::sleep(Duration::from_millis(2));
        }
        Self::run_unready(app)
    }

    pub(crate) fn run_unready(app: Application) -> Self {
        let base = format!("http://127.0.0.1:{}", app.port());
        let (stop, stopped) = oneshot::channel();
        // How it ends is for the tests that look.
        let end = rt::spawn(async { drop(app.run_until(async { drop(stopped.await) }).await) });
        Self {
            base,
            client: Client::new(),
            stop: Some(stop),
            end: Some(end),
        }
    }

    /// Tells the server to stop.
    pub(crate) fn stop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
    }

    /// Stops the server and waits for its end.
    pub(crate) async fn stop_and_wait(&mut self) {
        self.stop();
        if let Some(end) = self.end.take() {
            end.await.unwrap();
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        self.get(path).await.json().await.unwrap()
    }

    /// A picture as the whole body. `query` starts with `?` or is empty.
    pub(crate) fn classify(&self, query: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.client
            .post(self.url(&format!("/v1/classify{query}")))
            .body(body)
    }

    /// Pictures in a form.
    pub(crate) fn classify_many(
        &self,
        query: &str,
        pictures: impl IntoIterator<Item = Vec<u8>>,
    ) -> RequestBuilder {
        let form = pictures
            .into_iter()
            .fold(multipart::Form::new(), |form, picture| {
                form.part("image", multipart::Part::bytes(picture).file_name("face"))
            });
        self.client
            .post(self.url(&format!("/v1/classify{query}")))
            .multipart(form)
    }

    /// The value of a metric's line.
    pub(crate) async fn metric(&self, series: &str) -> f64 {
        let text = self.get("/metrics").await.text().await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(series));
        line.unwrap_or_else(|| panic!("{series} in {text}"))
            .trim()
            .parse()
            .unwrap()
    }

    /// Waits until the text of the metrics contains `text`.
    pub(crate) async fn until_metrics_contain(&self, text: &str) {
        eventually(
            TIMEOUT,
            &format!("the metrics contain {text}"),
            async || {
                let metrics = self.get("/metrics").await.text().await.unwrap();
                metrics.contains(text).then_some(())
            },
        )
        .await;
    }

    /// Waits until a metric has a value.
    pub(crate) async fn until_metric(&self, series: &str, value: f64) {
        eventually(TIMEOUT, &format!("{series} is {value}"), async || {
            (self.metric(series).await == value).then_some(())
        })
        .await;
    }
}

/// Copies a model of the fixtures to `<root>/<name>/<version>`, each file whole under its name at once.
pub(crate) fn install(root: &Path, name: &str, version: &str, from: &str) {
    let folder = root.join(name).join(version);
    fs::create_dir_all(&folder).unwrap();
    for file in fs::read_dir(fixture("models").join(from).join("1")).unwrap() {
        let file = file.unwrap();
        let written = folder.join(".new");
        fs::copy(file.path(), &written).unwrap();
        fs::rename(written, folder.join(file.file_name())).unwrap();
    }
}

/// Why a server with these settings does not start, or ends by itself.
pub(crate) async fn startup_error(settings: &Settings) -> String {
    match Application::build(settings) {
        Err(error) => error.to_string(),
        Ok(app) => app
            .run_until(future::pending())
            .await
            .unwrap_err()
            .to_string(),
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A client that speaks HTTP/2 from the first byte.
pub(crate) fn http_2() -> Client {
    Client::builder().http2_prior_knowledge().build().unwrap()
}

/// A connection to an address `http://HOST:PORT`.
pub(crate) fn connect(base: &str) -> TcpStream {
    let stream = TcpStream::connect(base.strip_prefix("http://").unwrap()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    stream
}

/// Asks a connection whether the server is alive.
pub(crate) fn send_health_request(stream: &mut TcpStream) {
    stream
        .write_all(b"GET /health/live HTTP/1.1\r\nHost: mien\r\n\r\n")
        .unwrap();
}

/// Waits for the answer to that.
pub(crate) fn read_health_response(stream: &mut TcpStream) {
    let mut answer = [0; 4096];
    let length = stream.read(&mut answer).unwrap();
    assert!(answer[..length].starts_with(b"HTTP/1.1 200"));
}

/// Status and body.
pub(crate) async fn send(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// Checks a whole error response: the status, the code, the problem body and the request's id.
pub(crate) async fn assert_problem(response: Response, status: u16, code: &str) -> Value {
    let id = response.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let kind = response.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    let given = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    assert_eq!(
        (given, body["code"].as_str()),
        (status, Some(code)),
        "{body}"
    );
    assert_eq!(kind, "application/problem+json");
    assert_eq!(body["status"], status);
    assert_eq!(body["type"], format!("urn:mien:problem:{code}"));
    assert_eq!(body["request_id"], id);
    for key in ["title", "detail"] {
        assert!(!body[key].as_str().unwrap().is_empty(), "{body}");
    }
    assert!(
        !body.to_string().contains(env!("CARGO_MANIFEST_DIR")),
        "a path leaks: {body}"
    );
    body
}
