//! Pixels of requests do not reach files, the log, spans or metrics, for any route and any error.

mod images;

use std::{
    collections::BTreeSet,
    fs, io,
    path::Path,
    thread::{self, JoinHandle},
};

use futures_util::{SinkExt, StreamExt};
use reqwest::{Client, Method};
use serde_json::Value;
use tempfile::TempDir;
use tokio_tungstenite::{connect_async, tungstenite::Message};

use self::images::{PIXELS, bodies, has_pixels, noise, photo};
use super::{Server, mien};
use crate::{
    faces::DETECTOR,
    grpc::{self, connect},
    helpers::{form_of, http_client},
    traces::collector::Collector,
};

/// A path that contains the text of the pixels. The log has it, so a search of the log must find it.
const LOGGED_PATH: &str = "/v1/models/Qz7Kw3Vx";

/// Returns method and path of every operation of the API. The parameters of the paths are those of a model.
async fn operations(server: &Server, client: &Client) -> Vec<(Method, String)> {
    let document = client
        .get(server.url("/openapi.json"))
        .send()
        .await
        .unwrap();
    let document: Value = document.json().await.unwrap();
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, methods)| {
        let path = path.replace("{name}", "tiny").replace("{version}", "1");
        let methods = methods.as_object().unwrap().keys();
        methods.map(move |method| (method.to_uppercase().parse().unwrap(), path.clone()))
    });
    operations.collect()
}

/// Sends every body to every operation, and returns the statuses.
async fn send_everything(server: &Server, client: &Client) -> Vec<u16> {
    let (bodies, mut statuses) = (bodies(), Vec::new());
    for (method, path) in operations(server, client).await {
        for (media_type, body) in &bodies {
            let request = client.request(method.clone(), server.url(&path));
            let request = request
                .header("content-type", *media_type)
                .body(body.clone());
            let response = request.send().await.unwrap();
            statuses.push(response.status().as_u16());
            response.bytes().await.unwrap();
        }
    }
    let form = form_of([noise(), photo()]);
    let request = client.post(server.url("/v1/classify")).multipart(form);
    assert_eq!(request.send().await.unwrap().status(), 200);
    statuses
}

async fn send_frames(server: &Server) {
    let url = server.url("/v1/live").replace("http", "ws");
    let (mut socket, _) = connect_async(url).await.unwrap();
    for frame in [photo(), PIXELS.repeat(100)] {
        socket.send(Message::binary(frame)).await.unwrap();
        socket.next().await.unwrap().unwrap();
    }
    let text = String::from_utf8(PIXELS.to_vec()).unwrap();
    socket.send(Message::text(text)).await.unwrap();
    while socket.next().await.is_some_and(|message| message.is_ok()) {}
}

async fn send_calls(port: u64) {
    let address = format!("http://127.0.0.1:{port}");
    let mut client = grpc::Client::new(connect(&address).await);
    let mut request = grpc::faces(&["sad"]);
    request.raw_input_contents = vec![PIXELS.repeat(288).into()];
    client.model_infer(request.clone()).await.unwrap();
    request.raw_input_contents = vec![PIXELS.repeat(2).into()];
    assert!(client.model_infer(request).await.is_err());
}

/// Returns the files below a directory that contain the pixels, and the number of all files.
fn files_with_pixels(directory: &Path) -> (Vec<String>, usize) {
    let (mut found, mut count) = (Vec::new(), 0);
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let (below, files) = files_with_pixels(&path);
            found.extend(below);
            count += files;
        } else {
            count += 1;
            if has_pixels(&fs::read(&path).unwrap()) {
                found.push(path.display().to_string());
            }
        }
    }
    (found, count)
}

/// A server whose files are in one directory and whose log is read completely.
struct Observed {
    server: Server,
    directory: TempDir,
    log: JoinHandle<io::Result<String>>,
}

impl Observed {
    fn start(flags: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        fs::create_dir(&state).unwrap();
        let mut command = mien();
        for name in ["HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_STATE_HOME"] {
            command.env(name, directory.path());
        }
        command
            .current_dir(directory.path())
            .env("MIEN_STATE", &state);
        let flags = [&["--log=trace,ort=warn", "--drain-delay=0s"], flags].concat();
        let mut server = Server::spawn(command, &flags, "cpu");
        let reader = server.log.take().unwrap();
        let log = thread::spawn(move || io::read_to_string(reader));
        Self {
            server,
            directory,
            log,
        }
    }

    fn grpc_port(&self) -> u64 {
        let mut events = self.server.start.iter();
        let listening = events.find(|event| event["message"] == "listening");
        listening.unwrap()["grpc_port"].as_u64().unwrap()
    }

    /// Sends images over every transport. Returns the number of HTTP requests and the metrics after them.
    async fn send_images(&self) -> (usize, String) {
        let client = http_client();
        let get = |path: &str| client.get(self.server.url(path)).send();
        assert_eq!(get(LOGGED_PATH).await.unwrap().status(), 404);
        let statuses = send_everything(&self.server, &client).await;
        let distinct: BTreeSet<u16> = statuses.iter().copied().collect();
        let expected = [200, 400, 404, 413, 415];
        assert!(distinct.is_superset(&expected.into()), "{distinct:?}");
        send_frames(&self.server).await;
        send_calls(self.grpc_port()).await;
        let metrics = get("/metrics").await.unwrap().text().await.unwrap();
        (statuses.len(), metrics)
    }
}

/// Checks that the pixels are in texts only as [`LOGGED_PATH`], and that the search finds this path.
fn assert_only_path<'a>(texts: impl Iterator<Item = &'a str>) {
    let mut found: Vec<&str> = texts.filter(|text| has_pixels(text.as_bytes())).collect();
    assert!(!found.is_empty(), "the search finds the path");
    found.retain(|text| !text.contains(LOGGED_PATH));
    assert!(found.is_empty(), "{found:#?}");
}

#[actix_web::test]
async fn pixels_do_not_reach_files_log_spans_or_metrics() {
    let collector = Collector::http();
    let observed = Observed::start(&["--grpc-addr=127.0.0.1:0", DETECTOR, &collector.endpoint()]);
    let (requests, metrics) = observed.send_images().await;
    let dropped = "\nmien_log_lines_dropped_total 0\n";
    assert!(metrics.contains(dropped), "{metrics}");
    assert!(!has_pixels(metrics.as_bytes()), "{metrics}");

    observed.server.terminate();
    assert_eq!(observed.server.end().await, Some(0));
    let log = observed.log.join().unwrap().unwrap();
    assert!(log.lines().count() > requests, "every request is logged");
    assert_only_path(log.lines());
    let spans: Vec<String> = collector
        .spans()
        .iter()
        .map(|span| format!("{span:?}"))
        .collect();
    assert_only_path(spans.iter().map(String::as_str));
    let (found, count) = files_with_pixels(observed.directory.path());
    assert!(count > 0, "the server stores its state");
    assert!(found.is_empty(), "{found:?}");
}
