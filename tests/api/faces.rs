//! `POST /v1/faces`, with the real face detector.

mod detector_file;
mod explanations;

use std::{fs, io::Cursor};

use image::{DynamicImage, GrayImage, ImageFormat, RgbImage, imageops};
use mien_faces::image::{ImageFile, Limits};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::helpers::{TestApp, assert_problem, face, fixture, form_of, send};

/// The path of the detector that `cargo xtask setup` installs.
pub(crate) const DETECTOR: &str = concat!(
    "--detector=",
    env!("CARGO_MANIFEST_DIR"),
    "/.runtime/yunet/face_detection_yunet_2023mar.onnx"
);

fn spawn() -> TestApp {
    TestApp::spawn_with(&[DETECTOR])
}

/// Returns a photo of one face in 512x512 pixels.
pub(crate) fn portrait() -> Vec<u8> {
    fs::read(fixture("photos/astronaut.jpg")).unwrap()
}

/// Returns a gray photo of 640x480 pixels with a test face at each of the places: left edge, upper edge, side.
pub(crate) fn composite(places: &[(&str, i64, i64, u32)]) -> Vec<u8> {
    let mut photo = GrayImage::from_pixel(640, 480, image::Luma([120]));
    for &(class, x, y, side) in places {
        let face = image::load_from_memory(&face(class)).unwrap().to_luma8();
        let face = imageops::resize(&face, side, side, imageops::FilterType::CatmullRom);
        imageops::replace(&mut photo, &face, x, y);
    }
    let mut png = Cursor::new(Vec::new());
    let photo = DynamicImage::ImageLuma8(photo);
    photo.write_to(&mut png, ImageFormat::Png).unwrap();
    png.into_inner()
}

fn request(app: &TestApp, query: &str) -> RequestBuilder {
    app.client.post(app.url(&format!("/v1/faces{query}")))
}

pub(crate) async fn post(app: &TestApp, query: &str, photo: Vec<u8>) -> (u16, Value) {
    send(request(app, query).body(photo)).await
}

/// Returns the faces of the only photo of a request.
async fn faces(app: &TestApp, query: &str, photo: Vec<u8>) -> Vec<Value> {
    let (status, body) = post(app, query, photo).await;
    assert_eq!(status, 200, "{body}");
    body["images"][0]["faces"].as_array().unwrap().clone()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[actix_web::test]
async fn face_in_photo_is_located_and_classified() {
    let app = spawn();
    let (status, body) = post(&app, "?model=small", portrait()).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(
        (&body["model"], &body["version"]),
        (&json!("small"), &json!("1"))
    );
    let photo = &body["images"][0];
    assert_eq!(
        (&photo["width"], &photo["height"]),
        (&json!(512), &json!(512))
    );
    let [face] = photo["faces"].as_array().unwrap().as_slice() else {
        panic!("one face is expected: {body}");
    };
    // OpenCV's FaceDetectorYN returns this box for the same photo.
    for (key, expected) in [
        ("x", 176.8),
        ("y", 64.5),
        ("width", 91.6),
        ("height", 113.1),
    ] {
        let actual = number(&face["box"][key]);
        assert!((actual - expected).abs() < 3.0, "{key}: {face}");
    }
    assert!(number(&face["score"]) > 0.9);
    let landmark = |name: &str, axis: &str| number(&face["landmarks"][name][axis]);
    assert!(landmark("right_eye", "x") < landmark("nose", "x"));
    assert!(landmark("nose", "x") < landmark("left_eye", "x"));
    assert!(landmark("mouth_left", "y") > landmark("nose", "y"));
    assert!((number(&face["quality"]["size"]) - 101.8).abs() < 3.0);
    let probabilities = face["probabilities"].as_object().unwrap();
    let sum: f64 = probabilities.values().map(number).sum();
    assert!((sum - 1.0).abs() < 1e-5);
    assert_eq!(
        face["confidence"],
        probabilities[face["label"].as_str().unwrap()]
    );
}

#[actix_web::test]
async fn several_faces_are_ordered_by_size_and_have_their_places() {
    let app = spawn();
    let photo = composite(&[("happy", 40, 60, 120), ("surprise", 330, 140, 240)]);
    let found = faces(&app, "", photo).await;
    let centres: Vec<(f64, f64)> = found
        .iter()
        .map(|face| {
            let of = |key| number(&face["box"][key]);
            (of("x") + of("width") / 2.0, of("y") + of("height") / 2.0)
        })
        .collect();
    let expected = [(450.0, 260.0), (100.0, 120.0)];
    assert_eq!(centres.len(), 2, "{found:?}");
    for ((x, y), (expected_x, expected_y)) in centres.into_iter().zip(expected) {
        assert!(
            (x - expected_x).abs() < 20.0 && (y - expected_y).abs() < 25.0,
            "{found:?}"
        );
    }
    let largest = composite(&[("happy", 40, 60, 120), ("surprise", 330, 140, 240)]);
    assert_eq!(faces(&app, "?max_faces=1", largest.clone()).await.len(), 1);
    assert_eq!(faces(&app, "?min_size=150", largest).await.len(), 1);
}

#[actix_web::test]
async fn small_face_in_colour_photo_is_found() {
    let app = spawn();
    let file = portrait();
    let portrait = ImageFile::open(&file, &Limits::default()).unwrap();
    let (portrait, _) = portrait.decode_color().unwrap();
    let portrait = RgbImage::from_raw(512, 512, portrait.pixels().as_flattened().to_vec()).unwrap();
    // In the detector's copy of 640 pixels the face has 20 pixels. Without colours it is not found.
    let mut panorama = RgbImage::from_pixel(3000, 512, image::Rgb([90, 120, 90]));
    imageops::replace(&mut panorama, &portrait, 1500, 0);
    let mut png = Cursor::new(Vec::new());
    panorama.write_to(&mut png, ImageFormat::Png).unwrap();
    let found = faces(&app, "", png.into_inner()).await;
    assert_eq!(found.len(), 1);
    assert!(
        (number(&found[0]["box"]["x"]) - 1676.8).abs() < 8.0,
        "{found:?}"
    );
}

#[actix_web::test]
async fn photo_without_face_has_empty_list() {
    let app = spawn();
    let (status, body) = post(&app, "", composite(&[])).await;
    let expected = json!([{"width": 640, "height": 480, "faces": []}]);
    assert_eq!((status, &body["images"]), (200, &expected));
}

#[actix_web::test]
async fn damaged_photo_has_its_error_in_its_place() {
    let app = spawn();
    let photos = form_of([b"text".to_vec(), portrait()]);
    let (status, body) = send(request(&app, "").multipart(photos)).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["images"][0]["error"]["code"], "invalid_image");
    assert_eq!(body["images"][1]["faces"].as_array().unwrap().len(), 1);
    let photos = form_of([b"text".to_vec(), b"text".to_vec()]);
    let response = request(&app, "").multipart(photos).send().await.unwrap();
    assert_problem(response, 400, "invalid_image").await;
}

#[actix_web::test]
async fn parameters_out_of_range_are_rejected() {
    let app = TestApp::spawn_with(&[DETECTOR, "--max-faces=10"]);
    for query in [
        "?min_score=1.1",
        "?min_score=NaN",
        "?min_size=-1",
        "?min_size=inf",
        "?max_faces=0",
        "?max_faces=11",
        "?detector_size=641",
        "?top_k=8",
        "?min_confidence=2",
        "?size=640",
    ] {
        let response = request(&app, query).body(portrait()).send().await.unwrap();
        assert_problem(response, 400, "invalid_request").await;
    }
}

#[actix_web::test]
async fn faces_of_request_are_shared_among_its_photos() {
    let app = TestApp::spawn_with(&[DETECTOR, "--max-faces=2"]);
    let crowd = || {
        composite(&[
            ("happy", 20, 120, 200),
            ("sad", 220, 120, 200),
            ("neutral", 430, 120, 200),
        ])
    };
    assert_eq!(faces(&app, "", crowd()).await.len(), 2);
    let two = form_of([crowd(), crowd()]);
    let (_, body) = send(request(&app, "").multipart(two)).await;
    for photo in body["images"].as_array().unwrap() {
        assert_eq!(photo["faces"].as_array().unwrap().len(), 1);
    }
}

#[actix_web::test]
async fn uncertain_label_is_null() {
    let app = spawn();
    let found = faces(&app, "?min_confidence=1", portrait()).await;
    assert_eq!(
        (&found[0]["label"], &found[0]["uncertain"]),
        (&Value::Null, &json!(true))
    );
    let found = faces(&app, "?min_confidence=0", portrait()).await;
    assert_eq!(
        (found[0]["label"].is_string(), found[0].get("uncertain")),
        (true, None)
    );
}

#[actix_web::test]
async fn photos_and_faces_are_counted() {
    let app = spawn();
    faces(&app, "", composite(&[("happy", 200, 100, 240)])).await;
    faces(&app, "", composite(&[])).await;
    assert_eq!(app.metric("mien_faces_per_photo_count").await, 2.0);
    assert_eq!(app.metric("mien_faces_per_photo_sum").await, 1.0);
    let detector =
        r#"mien_images_total{model="yunet",outcome="ok",priority="live",version="2023mar"}"#;
    assert_eq!(app.metric(detector).await, 2.0);
    let classifier = r#"mien_images_total{model="small",outcome="ok",priority="live",version="1"}"#;
    assert_eq!(app.metric(classifier).await, 1.0);
}
