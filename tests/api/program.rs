//! The program itself: how it ends, and how it fails to start.

use std::{
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    time::Duration,
};

use actix_web::{rt, web};
use reqwest::{Client, multipart};
use serde_json::Value;

use crate::{
    evaluations::{STUCK, data_set},
    eventually::{TIMEOUT, eventually},
    helpers::{assert_problem, face, fixture, http_2},
};

/// The line of the metrics that shows a queued image.
const QUEUED: &str = "mien_queue_images{model=\"small\"} 1";

pub(crate) fn mien() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mien"));
    command
        .env("MIEN_TUNE", "off")
        .env("MIEN_STATE", "memory")
        .stderr(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// A started server, killed where a test does not end it.
pub(crate) struct Server {
    child: Child,
    base: String,
    log: Option<BufReader<ChildStderr>>,
    /// What it logged until it served.
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
                server.base = format!("http://127.0.0.1:{}", event["port"]);
                server.log = Some(log);
                return server;
            }
            server.start.push(event);
            line.clear();
        }
        panic!("the server ended before it served");
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
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

    /// Waits for its end; the exit code.
    pub(crate) async fn end(self) -> Option<i32> {
        self.status().await.code()
    }

    /// Waits for its end.
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

#[actix_web::test]
async fn sigterm_completes_requests_and_exits_with_0() {
    // The request is held in the queue for a second: it is in flight when the signal comes.
    let mut server = Server::start(&["--max-queue-delay=1s", "--drain-delay=300ms"]);
    let log = server.log.take().unwrap();
    let reader = std::thread::spawn(move || log.lines().map_while(Result::ok).collect::<Vec<_>>());
    let client = Client::new();
    let part = multipart::Part::bytes(face("happy"));
    let request = client
        .post(server.url("/v1/classify"))
        .header("x-request-id", "in-flight");
    let request = rt::spawn(
        request
            .multipart(multipart::Form::new().part("image", part))
            .send(),
    );
    let get = async |path: &str| client.get(server.url(path)).send().await;
    eventually(TIMEOUT, "the image is queued", async || {
        let metrics = get("/metrics").await.unwrap().text().await.unwrap();
        metrics.contains(QUEUED).then_some(())
    })
    .await;

    server.terminate();
    let readiness = eventually(TIMEOUT, "the server is draining", async || {
        let readiness = get("/health/ready").await.unwrap();
        (readiness.status() != 200).then_some(readiness)
    })
    .await;
    assert_eq!(readiness.status(), 503);
    assert_eq!(
        readiness.json::<Value>().await.unwrap()["status"],
        "draining"
    );

    let answer = request.await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.json::<Value>().await.unwrap()["predictions"][0]["label"],
        "fear"
    );
    assert_eq!(server.end().await, Some(0));
    let lines = reader.join().unwrap();
    assert!(
        lines.iter().any(|line| line.contains("\"in-flight\"")),
        "{lines:#?}"
    );
}

#[actix_web::test]
async fn idle_server_stops_at_once() {
    for client in [Client::new(), http_2()] {
        let server = Server::start(&["--drain-delay=0s", "--drain-timeout=1h"]);
        // A connection that is kept alive must not hold the server up.
        client.get(server.url("/health/live")).send().await.unwrap();
        server.terminate();
        let ended = rt::time::timeout(Duration::from_secs(20), server.end()).await;
        assert_eq!(ended.expect("it ends before --drain-timeout"), Some(0));
    }
}

#[actix_web::test]
async fn second_signal_ends_process() {
    // The request would be held for an hour, and so would the drain.
    let flags = [
        "--max-queue-delay=1h",
        "--request-timeout=1h",
        "--drain-timeout=1h",
        "--drain-delay=0s",
    ];
    let server = Server::start(&flags);
    let client = Client::new();
    let request = client.post(server.url("/v1/classify")).body(face("happy"));
    let request = rt::spawn(request.send());
    let get = async |path: &str| client.get(server.url(path)).send().await;
    eventually(TIMEOUT, "the image is queued", async || {
        let metrics = get("/metrics").await.unwrap().text().await.unwrap();
        metrics.contains(QUEUED).then_some(())
    })
    .await;
    server.terminate();
    eventually(TIMEOUT, "the port is closed", async || {
        get("/health/live").await.err()
    })
    .await;
    server.terminate();
    let ended = rt::time::timeout(Duration::from_secs(20), server.status()).await;
    assert_eq!(
        ended.expect("it ends long before --drain-timeout").signal(),
        Some(9)
    );
    assert!(request.await.unwrap().is_err());
}

#[actix_web::test]
async fn slow_client_receives_large_response_in_shutdown() {
    let server = Server::start(&["--drain-delay=0s", "--drain-timeout=1h"]);
    // The server may send no more than this ahead of what is read.
    let slow = Client::builder()
        .http2_prior_knowledge()
        .http2_initial_stream_window_size(65_535);
    let client = slow.build().unwrap();
    let request = client.get(server.url("/docs/swagger-ui-bundle.js")).send();
    let answer = request.await.unwrap();
    assert!(answer.content_length().unwrap() > 1_000_000);
    server.terminate();
    // Longer than what an answer gets to leave by.
    rt::time::sleep(Duration::from_secs(1)).await;
    let length = answer.content_length().unwrap();
    assert_eq!(answer.bytes().await.unwrap().len() as u64, length);
    assert_eq!(server.end().await, Some(0));
}

#[actix_web::test]
async fn shutdown_rejects_http2_request_with_503() {
    let flags = [
        "--max-queue-delay=1h",
        "--request-timeout=1h",
        "--drain-timeout=1h",
        "--drain-delay=0s",
    ];
    let server = Server::start(&flags);
    let client = http_2();
    // Holds the connection open, and with it the drain.
    let request = client.post(server.url("/v1/classify")).body(face("happy"));
    let request = rt::spawn(request.send());
    let get = async |path: &str| client.get(server.url(path)).send().await.unwrap();
    eventually(TIMEOUT, "the image is queued", async || {
        let metrics = get("/metrics").await.text().await.unwrap();
        metrics.contains(QUEUED).then_some(())
    })
    .await;
    server.terminate();
    eventually(TIMEOUT, "the server is shutting down", async || {
        (get("/v2").await.status() != 200).then_some(())
    })
    .await;
    let answer = get("/v2").await;
    assert_eq!(answer.status(), 503);
    let body = answer.json::<Value>().await.unwrap();
    assert_eq!(body["error"], "the server is shutting down", "{body}");
    assert_problem(get("/v1/models").await, 503, "shutting_down").await;
    server.terminate();
    server.status().await;
    assert!(request.await.unwrap().is_err());
}

#[actix_web::test]
async fn evaluations_survive_crash_and_shutdown() {
    let (data, state) = (data_set(), tempfile::tempdir().unwrap());
    let folder = state.path().to_str().unwrap().to_owned();
    let source = format!("faces={}", data.path().display());
    let start = |more: &[&str]| {
        let flags = ["--state", &folder, "--data", &source, "--drain-delay=0s"];
        Server::start(&[&flags, more].concat())
    };
    let client = Client::new();
    let order = async |server: &Server| {
        let request = client.post(server.url("/v1/evaluations"));
        let document: Value = request
            .header("content-type", "application/json")
            .body(r#"{"dataset":"faces"}"#)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        document["id"].as_str().unwrap().to_owned()
    };
    let get = async |server: &Server, id: &str| -> Value {
        let url = server.url(&format!("/v1/evaluations/{id}"));
        client.get(url).send().await.unwrap().json().await.unwrap()
    };
    let until = async |server: &Server, id: &str, status: &str| {
        eventually(TIMEOUT, &format!("{id} is {status}"), async || {
            let document = get(server, id).await;
            (document["status"] == status).then_some(document)
        })
        .await
    };

    let server = start(&[]);
    let whole = order(&server).await;
    let document = until(&server, &whole, "succeeded").await;
    let mut second = mien();
    second.args(["serve", "--addr=127.0.0.1:0", "--state", &folder]);
    let error = failure(&mut second);
    assert!(
        error.contains("another server uses the state directory"),
        "{error}"
    );
    server.signal("-KILL");
    assert_eq!(server.status().await.signal(), Some(9));

    // Its batch never fills up: it runs when the server is killed.
    let server = start(&STUCK);
    assert_eq!(get(&server, &whole).await, document);
    let killed = order(&server).await;
    until(&server, &killed, "running").await;
    server.signal("-KILL");
    assert_eq!(server.status().await.signal(), Some(9));

    let server = start(&STUCK);
    let failed = get(&server, &killed).await;
    assert_eq!(
        (&failed["status"], &failed["error"]),
        (
            &"failed".into(),
            &"the server stopped before the job finished".into()
        )
    );
    assert!(
        failed["started"].is_string() && failed["finished"].is_string(),
        "{failed}"
    );
    let stopped = order(&server).await;
    until(&server, &stopped, "running").await;
    server.terminate();
    assert_eq!(server.end().await, Some(0));

    let server = start(&[]);
    assert_eq!(get(&server, &stopped).await["status"], "cancelled");
    assert_eq!(get(&server, &killed).await, failed);
    assert_eq!(get(&server, &whole).await, document);
}

#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn memory_is_given_back_unless_the_user_has_a_say() {
    let tunables = |server: &Server| {
        let variables =
            std::fs::read_to_string(format!("/proc/{}/environ", server.child.id())).unwrap();
        let found = variables
            .split('\0')
            .find_map(|v| v.strip_prefix("GLIBC_TUNABLES="));
        found.map(str::to_owned)
    };
    let server = Server::start(&[]);
    assert_eq!(
        tunables(&server).as_deref(),
        Some("glibc.malloc.trim_threshold=131072")
    );
    let mut own = mien();
    own.env("GLIBC_TUNABLES", "glibc.malloc.arena_max=3");
    let server = Server::spawn(own, &[], "cpu");
    assert_eq!(
        tunables(&server).as_deref(),
        Some("glibc.malloc.arena_max=3")
    );
}

fn failure(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn failed_start_prints_remedy() {
    let mut missing = mien();
    missing
        .args(["serve", "--addr=127.0.0.1:0"])
        .env("ORT_DYLIB_PATH", "/nowhere/libonnxruntime.so");
    let error = failure(&mut missing);
    assert!(
        error.contains("/nowhere") && error.contains("cargo xtask setup"),
        "{error}"
    );

    let mut unfit = mien();
    unfit
        .args(["serve", "--addr=127.0.0.1:0"])
        .env("ORT_DYLIB_PATH", fixture("README.md"));
    let error = failure(&mut unfit);
    assert!(error.contains("cargo xtask setup"), "{error}");

    let error = failure(mien().args(["serve", "--addr=127.0.0.1:0", "--max-queue-size=1"]));
    assert!(error.contains("--max-images"), "{error}");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let error = failure(mien().args(["serve", "--addr", &addr]));
    assert!(error.contains(&addr) && error.contains("--addr"), "{error}");
}

#[test]
fn cuda_without_gpu_library_is_an_error() {
    let library = std::env::var("ORT_DYLIB_PATH").expect(".cargo/config.toml sets it");
    let provider = Path::new(&library).with_file_name("libonnxruntime_providers_cuda.so");
    if provider.exists() {
        // A GPU build: whether it starts depends on the machine.
        return;
    }
    let mut command = mien();
    command.args(["serve", "--addr=127.0.0.1:0", "--device=cuda", "--models"]);
    let error = failure(command.arg(fixture("models")));
    assert!(
        error.contains("cargo xtask setup --gpu") && error.contains("--device cpu"),
        "{error}"
    );

    // auto goes on with the CPU, and says so once.
    let flags = [
        "--cuda-memory-limit=2GiB",
        "--cuda-tf32",
        "--cuda-fp16-input",
    ];
    let mut server = Server::start_with(&flags, "auto");
    let warnings: Vec<&Value> = server
        .start
        .iter()
        .filter(|event| event["level"] == "WARN")
        .collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0]["message"]
            .as_str()
            .unwrap()
            .starts_with("CUDA is not available")
    );
    assert!(server.log.take().is_some());
}

#[test]
fn help_describes_every_flag() {
    let output = mien().args(["serve", "--help"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for flag in [
        "--models",
        "--default-model",
        "--device",
        "--max-queue-delay",
        "--drain-delay",
        "--data",
    ] {
        assert!(text.contains(flag), "{flag}: {text}");
    }
    assert!(
        text.contains("MIEN_ADDR") && text.contains("[default: 127.0.0.1:8080]"),
        "{text}"
    );
}
