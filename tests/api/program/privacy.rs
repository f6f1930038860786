//! No pixel of a request reaches a file, the log or the metrics, whatever the route and the error are.

use std::{collections::BTreeSet, fs, io::Read, path::Path, sync::LazyLock, thread};

use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::{SinkExt, StreamExt};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, imageops};
use mien_faces::image::{Limits, decode};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio_tungstenite::{connect_async, tungstenite::Message};

use super::{Server, mien};
use crate::{
    faces::DETECTOR,
    grpc::{self, connect},
    helpers::{face, fixture, form_of},
};

/// Gray levels that repeat in every row of the images. They are ASCII, so that a log contains them unchanged in any notation of text.
const PIXELS: &[u8; 8] = b"Qz7Kw3Vx";

/// A path that contains the text of the pixels. The log has it, so a search of the log must find it.
const LOGGED_PATH: &str = "/v1/models/Qz7Kw3Vx";

/// The forms in which pixels could be written: text, base64 at any offset, numbers and hexadecimal digits.
static FORMS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let row = PIXELS.repeat(3);
    let numbers: Vec<String> = PIXELS.iter().map(u8::to_string).collect();
    let base64 = (0..3).map(|offset| BASE64_STANDARD.encode(&row[offset..offset + 15]));
    let digits = [numbers.join(","), numbers.join(", "), hex::encode(PIXELS)];
    let text = String::from_utf8(PIXELS.to_vec()).unwrap();
    base64.chain(digits).chain([text]).collect()
});

/// Returns whether a text or a file contains the pixels.
fn has_pixels(content: &[u8]) -> bool {
    let content = String::from_utf8_lossy(content);
    FORMS.iter().any(|form| content.contains(form))
}

/// Encodes an image without compression: the file contains the gray levels.
fn bmp(image: GrayImage) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    let image = DynamicImage::ImageLuma8(image);
    image.write_to(&mut file, ImageFormat::Bmp).unwrap();
    file.into_inner()
}

/// Returns an image that consists of the pixels.
fn noise() -> Vec<u8> {
    let pixel = |x, _| Luma([PIXELS[x as usize % PIXELS.len()]]);
    bmp(GrayImage::from_fn(48, 48, pixel))
}

/// Returns a photo with a face, below which are the pixels.
fn photo() -> Vec<u8> {
    let file = fs::read(fixture("photos/astronaut.jpg")).unwrap();
    let portrait = decode(&file, &Limits::default()).unwrap();
    let [width, height] = [portrait.width(), portrait.height()].map(|side| side as u32);
    let mut portrait = GrayImage::from_raw(width, height, portrait.pixels().to_vec()).unwrap();
    let pixel = |x, _| Luma([PIXELS[x as usize % PIXELS.len()]]);
    let stripe = GrayImage::from_fn(portrait.width(), 64, pixel);
    let y = i64::from(portrait.height()) - 64;
    imageops::replace(&mut portrait, &stripe, 0, y);
    bmp(portrait)
}

/// Bodies that contain the pixels, with their media types: valid and invalid ones.
fn bodies() -> Vec<(&'static str, Vec<u8>)> {
    let (noise, photo) = (noise(), photo());
    let base64 = BASE64_STANDARD.encode(&noise);
    let tensor = |shape: &[usize], data: Value| {
        let image = json!({"name": "image", "datatype": "UINT8", "shape": shape, "data": data});
        json!({"inputs": [image]}).to_string().into_bytes()
    };
    let gray = PIXELS.repeat(288);
    let json = |value: Value| value.to_string().into_bytes();
    vec![
        ("image/bmp", noise.clone()),
        ("image/bmp", photo.clone()),
        ("image/bmp", noise[..noise.len() / 2].to_vec()),
        ("image/png", [&face("sad")[..60], PIXELS].concat()),
        ("application/octet-stream", PIXELS.repeat(1_000)),
        ("text/plain", PIXELS.to_vec()),
        ("multipart/form-data; boundary=x", noise),
        ("application/json", json(json!({ "images": [base64] }))),
        (
            "application/json",
            json(json!({ "images": [gray, base64] })),
        ),
        ("application/json", json(json!({ "images": base64 }))),
        ("application/json", json(json!({ base64.as_str(): 1 }))),
        (
            "application/json",
            format!("{{\"images\": [\"{base64}").into_bytes(),
        ),
        ("application/json", tensor(&[1, 1, 48, 48], json!(gray))),
        ("application/json", tensor(&[1, 2, 48, 48], json!(gray))),
        ("application/json", tensor(&[1, 1, 48, 48], json!(base64))),
    ]
}

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

#[test]
fn search_finds_every_form_of_pixels() {
    let base64 = BASE64_STANDARD.encode([b"ab", &PIXELS.repeat(4)[..]].concat());
    for text in [
        format!("{:?}", String::from_utf8_lossy(&PIXELS.repeat(2))),
        format!("{:?}", PIXELS),
        format!("{:02x?}", PIXELS).replace([',', ' '], ""),
        base64,
    ] {
        assert!(has_pixels(text.as_bytes()), "{text}");
    }
    assert!(!has_pixels(&face("sad")));
}

#[actix_web::test]
async fn pixels_reach_no_file_log_or_metric() {
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
    let flags = [
        "--log=trace,ort=warn",
        "--grpc-addr=127.0.0.1:0",
        DETECTOR,
        "--drain-delay=0s",
    ];
    let mut server = Server::spawn(command, &flags, "cpu");
    let mut reader = server.log.take().unwrap();
    let log = thread::spawn(move || {
        let mut text = Vec::new();
        reader.read_to_end(&mut text).map(|_| text)
    });
    let listening = server
        .start
        .iter()
        .find(|event| event["message"] == "listening");
    let grpc_port = listening.unwrap()["grpc_port"].as_u64().unwrap();

    let client = Client::new();
    let unknown = client.get(server.url(LOGGED_PATH)).send().await.unwrap();
    assert_eq!(unknown.status(), 404);
    let statuses = send_everything(&server, &client).await;
    let distinct: BTreeSet<u16> = statuses.iter().copied().collect();
    let expected = [200, 400, 404, 413, 415];
    assert!(distinct.is_superset(&expected.into()), "{distinct:?}");
    send_frames(&server).await;
    send_calls(grpc_port).await;
    let metrics = client.get(server.url("/metrics")).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(
        metrics.contains("\nmien_log_lines_dropped_total 0\n"),
        "{metrics}"
    );
    assert!(!has_pixels(metrics.as_bytes()), "{metrics}");

    server.terminate();
    assert_eq!(server.end().await, Some(0));
    let log = log.join().unwrap().unwrap();
    let lines = String::from_utf8(log).unwrap();
    assert!(
        lines.lines().count() > statuses.len(),
        "every request is logged"
    );
    let mut found: Vec<&str> = lines.lines().collect();
    found.retain(|line| has_pixels(line.as_bytes()));
    assert!(!found.is_empty(), "the search finds the path");
    found.retain(|line| !line.contains(LOGGED_PATH));
    assert!(found.is_empty(), "{found:#?}");
    let (found, count) = files_with_pixels(directory.path());
    assert!(count > 0, "the server stores its state");
    assert!(found.is_empty(), "{found:?}");
}
