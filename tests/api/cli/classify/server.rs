//! `--server`: a running server instead of a model.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
};

use serde_json::{Value, json};

use super::{album, mien, put, rows, stdout, text};
use crate::{
    faces::{DETECTOR, composite},
    program::Server,
};

/// Flag with which the results do not depend on the batches.
const EXACT: &str = "--max-batch=1";

/// Classifies a directory and returns the rows.
fn classify(flags: &[&str], directory: &str) -> Vec<Value> {
    let words = [
        "classify",
        "--model=small",
        "--format=jsonl",
        EXACT,
        directory,
    ];
    let output = mien(&[&words[..], flags].concat());
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    rows(stdout(&output))
}

#[test]
fn server_returns_the_results_of_the_local_model() {
    let album = album();
    put(album.path(), "bad.png", b"text");
    put(album.path(), "large.png", &vec![0; 70_000]);
    let directory = text(album.path());
    // The server rejects requests with several images, so each is sent alone.
    for limit in ["--max-images=64", "--max-images=1"] {
        let server = Server::start(&[limit, EXACT]);
        let remote = classify(&["--server", server.base()], directory);
        assert_eq!(remote.len(), 9);
        assert_eq!(remote, classify(&[], directory));
    }
}

#[test]
fn server_finds_the_faces_of_the_local_detector() {
    let album = tempfile::tempdir().unwrap();
    let two = composite(&[("happy", 40, 60, 120), ("surprise", 330, 140, 240)]);
    for (name, photo) in [("1.png", &two), ("2.png", &composite(&[])), ("4.png", &two)] {
        put(album.path(), name, photo);
    }
    put(album.path(), "3.png", &two[..two.len() / 2]);
    let directory = text(album.path());
    let server = Server::start(&[DETECTOR, EXACT]);
    for flag in [
        "--min-score=0.8",
        "--min-size=150",
        "--max-faces=1",
        "--max-faces=200",
    ] {
        let remote = classify(&["--faces", flag, "--server", server.base()], directory);
        assert_eq!(remote, classify(&["--faces", flag, DETECTOR], directory));
    }

    let server = Server::start(&["--detector=off"]);
    let output = mien(&["classify", "--faces", "--server", server.base(), directory]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(
        error.contains("503: the face detector is not installed"),
        "{error}"
    );
}

#[test]
fn wrong_server_or_model_is_an_error() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let server = Server::start(&[]);
    for (flags, reason) in [
        (
            &["--server", &format!("http://{closed}")][..],
            "no response from the server",
        ),
        (&["--server", server.base(), "--model=nope"], "404"),
        (
            &["--server", server.base(), "--model=small@9"],
            "has not loaded the version",
        ),
        (
            &["--server", "ftp://localhost"],
            "must start with http:// or https://",
        ),
    ] {
        let output = mien(&[&["classify", "x.png"], flags].concat());
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(reason), "{error}");
    }
}

/// Answers requests with these statuses and bodies until the other end of the channel is dropped. Sends the first line of each request.
fn answer(listener: &TcpListener, requests: &mpsc::Sender<String>, overloaded: usize) {
    let mut posts = 0;
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let line = request(&stream);
        let (status, body) = if line.starts_with("POST") {
            posts += 1;
            if posts <= overloaded {
                (
                    "503 Unavailable\r\nretry-after: 1",
                    json!({"code": "overloaded", "detail": "full"}),
                )
            } else {
                let face = json!({"label": "a", "confidence": 0.75, "probabilities": {"a": 0.75, "b": 0.25}});
                (
                    "200 OK",
                    json!({"model": "m", "version": "1", "predictions": [face]}),
                )
            }
        } else if line.contains("/v1/models/m ") {
            let version = json!({"version": "1", "labels": ["a", "b"]});
            ("200 OK", json!({"serving": "1", "versions": [version]}))
        } else {
            (
                "200 OK",
                json!({"models": [{"name": "m", "default": true}]}),
            )
        };
        let body = body.to_string();
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        if requests.send(line).is_err() {
            return;
        }
    }
}

/// Reads a request and returns its first line.
fn request(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    reader.read_exact(&mut vec![0; length]).unwrap();
    first
}

#[test]
fn overloaded_server_gets_the_request_again() {
    let album = album();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, requests) = mpsc::channel();
    thread::spawn(move || answer(&listener, &sender, 2));
    let face = album.path().join("sad.png");
    let output = mien(&["classify", "--format=csv", "--server", &url, text(&face)]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let expected = format!(
        "file,label,confidence,a,b,error,model,version\n{},a,0.75,0.75,0.25,,m,1\n",
        face.display()
    );
    assert_eq!(stdout(&output), expected);
    let posts = requests.try_iter().filter(|line| line.starts_with("POST"));
    assert_eq!(posts.count(), 3);
}
