//! Images that can be recognised in any text or file.

use std::{fs, sync::LazyLock};

use base64::{Engine, prelude::BASE64_STANDARD};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, imageops};
use mien_faces::image::{Limits, decode};
use serde_json::{Value, json};

use crate::helpers::{face, fixture};

/// Gray levels that repeat in every row of the images. They are ASCII, so that a log contains them unchanged in any notation of text.
pub(super) const PIXELS: &[u8; 8] = b"Qz7Kw3Vx";

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
pub(super) fn has_pixels(content: &[u8]) -> bool {
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
pub(super) fn noise() -> Vec<u8> {
    let pixel = |x, _| Luma([PIXELS[x as usize % PIXELS.len()]]);
    bmp(GrayImage::from_fn(48, 48, pixel))
}

/// Returns a photo with a face, below which are the pixels.
pub(super) fn photo() -> Vec<u8> {
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
pub(super) fn bodies() -> Vec<(&'static str, Vec<u8>)> {
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
