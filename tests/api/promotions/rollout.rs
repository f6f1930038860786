//! `mien promote` with several servers.

use std::process::Output;

use actix_web::web;
use serde_json::Value;
use tempfile::TempDir;

use super::{command::promotion, faces, serve};
use crate::{helpers::TestApp, lifecycle::models_dir};

/// A server whose model `m` serves version 1 and has a candidate 2.
struct Replica {
    app: TestApp,
    _root: TempDir,
}

impl Replica {
    fn start(data: &TempDir, candidate: &str) -> Self {
        let root = models_dir(&[("m", "1", "small"), ("m", "2", candidate)]);
        let app = serve(&root, data, &["--version-policy=1"]);
        Self { app, _root: root }
    }
}

async fn promote(replicas: &[&Replica], flags: &[&str]) -> Output {
    let mut command = promotion();
    for replica in replicas {
        command.args(["--url", &replica.app.base]);
    }
    command.args(flags);
    web::block(move || command.output().unwrap()).await.unwrap()
}

async fn serving(replicas: &[&Replica]) -> Vec<String> {
    let mut versions = Vec::new();
    for replica in replicas {
        versions.push(replica.app.version("").await);
    }
    versions
}

#[actix_web::test]
async fn version_is_promoted_on_all_servers() {
    let data = faces();
    let (a, b) = (Replica::start(&data, "tiny"), Replica::start(&data, "tiny"));
    let output = promote(&[&a, &b], &["--min-accuracy=0.3", "--json"]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    for (index, replica) in [&a, &b].iter().enumerate() {
        let server = &document[index];
        assert_eq!(server["url"], replica.app.base.as_str());
        assert_eq!(server["promotion"]["status"], "promoted");
        assert_eq!(server["rolled_back"], false);
    }
    assert_eq!(serving(&[&a, &b]).await, ["2", "2"]);
}

#[actix_web::test]
async fn servers_that_serve_candidate_are_skipped() {
    let data = faces();
    let (a, b) = (Replica::start(&data, "tiny"), Replica::start(&data, "tiny"));
    let first = promote(&[&a], &["--min-accuracy=0.3"]).await;
    assert_eq!(first.status.code(), Some(0), "{first:?}");
    let output = promote(&[&a, &b, &b], &["--min-accuracy=0.3", "--json"]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document.as_array().unwrap().len(), 1, "{document}");
    assert_eq!(document[0]["url"], b.app.base.as_str());
    assert_eq!(serving(&[&a, &b]).await, ["2", "2"]);
}

#[actix_web::test]
async fn failure_on_one_server_rolls_back_the_others() {
    let data = faces();
    let (good, bad) = (
        Replica::start(&data, "tiny"),
        Replica::start(&data, "broken"),
    );
    let output = promote(&[&good, &bad], &["--min-accuracy=0.3"]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    let [first, second] = text.lines().collect::<Vec<_>>()[..] else {
        panic!("one line per server: {text}");
    };
    assert!(first.starts_with(&good.app.base), "{text}");
    assert!(
        first.ends_with("rolled back, version 1 serves again"),
        "{text}"
    );
    assert!(second.starts_with(&bad.app.base), "{text}");
    assert_eq!(serving(&[&good, &bad]).await, ["1", "1"], "{text}");
}

#[actix_web::test]
async fn unreachable_server_prevents_promotion_on_all() {
    let data = faces();
    let a = Replica::start(&data, "tiny");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("--url=http://{}", listener.local_addr().unwrap());
    drop(listener);
    let output = promote(&[&a], &["--min-accuracy=0", &closed]).await;
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("has not started on any server"), "{error}");
    assert_eq!(serving(&[&a]).await, ["1"]);
}
