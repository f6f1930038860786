//! Finds and classifies the faces in photos with a running server, and prints one CSV line per face.
//!
//! `cargo run --example faces -- http://127.0.0.1:8080 PHOTO...`

use std::{env, fs, io, time::Duration};

use anyhow::{Context, ensure};
use reqwest::{
    Client, Response, StatusCode,
    header::RETRY_AFTER,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

/// Number of photos of a request. The server returns at most 256 faces per request by default, of which each photo has an equal share.
const PHOTOS_PER_REQUEST: usize = 4;

/// Number of times that an overloaded server gets a request again.
const RETRIES: usize = 10;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [base, paths @ ..] = words.as_slice() else {
        anyhow::bail!("usage: faces URL PHOTO...");
    };
    let client = Client::builder().timeout(Duration::from_secs(60)).build()?;
    let mut lines = csv::Writer::from_writer(io::stdout());
    lines.write_record([
        "file",
        "x",
        "y",
        "width",
        "height",
        "label",
        "confidence",
        "error",
    ])?;
    for paths in paths.chunks(PHOTOS_PER_REQUEST) {
        let photos = paths
            .iter()
            .map(|path| fs::read(path).with_context(|| format!("cannot read `{path}`")));
        let photos = photos.collect::<anyhow::Result<Vec<_>>>()?;
        let results = find_faces(&client, base, &photos).await?;
        for (path, result) in paths.iter().zip(results) {
            write(&mut lines, path, &result)?;
        }
    }
    lines.flush()?;
    Ok(())
}

/// Returns the result of each photo, or the error of the request for each.
async fn find_faces(client: &Client, base: &str, photos: &[Vec<u8>]) -> anyhow::Result<Vec<Value>> {
    let response = send(client, base, photos).await?;
    let is_success = response.status().is_success();
    let mut body: Value = response.json().await?;
    if !is_success {
        // If no photo can be decoded, the request fails.
        return Ok(vec![json!({"error": body}); photos.len()]);
    }
    let images = body["images"].as_array_mut().map(std::mem::take);
    let images = images.context("the response has no images")?;
    ensure!(
        images.len() == photos.len(),
        "the response has {} images instead of {}",
        images.len(),
        photos.len()
    );
    Ok(images)
}

/// Sends photos, and sends them again while the server is overloaded.
async fn send(client: &Client, base: &str, photos: &[Vec<u8>]) -> anyhow::Result<Response> {
    let url = format!("{}/v1/faces", base.trim_end_matches('/'));
    let mut attempt = 0;
    loop {
        attempt += 1;
        let part = |photo: &Vec<u8>| Part::bytes(photo.clone()).file_name("photo");
        let form = photos
            .iter()
            .fold(Form::new(), |form, photo| form.part("image", part(photo)));
        let response = client.post(&url).multipart(form).send().await?;
        let wait = response.headers().get(RETRY_AFTER);
        let wait = wait.and_then(|seconds| seconds.to_str().ok()?.parse().ok());
        match wait {
            Some(seconds)
                if response.status() == StatusCode::SERVICE_UNAVAILABLE && attempt <= RETRIES =>
            {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
            }
            _ => return Ok(response),
        }
    }
}

/// Writes a line per face, or one with the error of the photo.
fn write(
    lines: &mut csv::Writer<impl io::Write>,
    path: &str,
    result: &Value,
) -> anyhow::Result<()> {
    if let Some(detail) = result["error"]["detail"].as_str() {
        lines.write_record([path, "", "", "", "", "", "", detail])?;
    }
    for face in result["faces"].as_array().into_iter().flatten() {
        let side = |key: &str| format!("{:.1}", face["box"][key].as_f64().unwrap_or_default());
        lines.write_record([
            path,
            &side("x"),
            &side("y"),
            &side("width"),
            &side("height"),
            face["label"].as_str().unwrap_or_default(),
            &face["confidence"].to_string(),
            "",
        ])?;
    }
    Ok(())
}
