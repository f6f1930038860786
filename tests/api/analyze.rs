//! `POST /analyze`, compatible with deepface.

use std::net::TcpListener;

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::{
    faces::{DETECTOR, composite, portrait, post as post_faces},
    helpers::{TestApp, assert_problem, face, send},
};

fn data_uri(file: &[u8]) -> String {
    format!("data:image/png;base64,{}", BASE64_STANDARD.encode(file))
}

async fn analyze(app: &TestApp, body: &Value) -> (u16, Value) {
    send(app.client.post(app.url("/analyze")).json(body)).await
}

async fn rejection(app: &TestApp, body: &Value, code: &str) -> String {
    let request = app.client.post(app.url("/analyze")).json(body);
    let problem = assert_problem(request.send().await.unwrap(), 400, code).await;
    problem["detail"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn analysis_has_fields_and_order_of_deepface() {
    let app = TestApp::spawn_with(&[DETECTOR]);
    let body = json!({
        "img": data_uri(&portrait()),
        "actions": ["emotion"],
        "detector_backend": "retinaface",
        "align": true,
        "expand_percentage": 0,
        "silent": false,
        "anti_spoofing": false,
    });
    let request = app.client.post(app.url("/analyze")).json(&body);
    let text = request.send().await.unwrap().text().await.unwrap();
    let order = [
        "angry", "disgust", "fear", "happy", "sad", "surprise", "neutral",
    ];
    let places = order.map(|label| text.find(&format!("\"{label}\":")).unwrap());
    assert!(places.is_sorted(), "{text}");

    let body: Value = serde_json::from_str(&text).unwrap();
    let [found] = body["results"].as_array().unwrap().as_slice() else {
        panic!("one face is expected: {body}");
    };
    let fields: Vec<&String> = found.as_object().unwrap().keys().collect();
    let expected = ["dominant_emotion", "emotion", "face_confidence", "region"];
    assert_eq!(fields, expected);
    let (_, faces) = post_faces(&app, "", portrait()).await;
    let face = &faces["images"][0]["faces"][0];
    assert_eq!(found["dominant_emotion"], face["label"]);
    for label in order {
        let percent = found["emotion"][label].as_f64().unwrap();
        let probability = face["probabilities"][label].as_f64().unwrap();
        assert!((percent - 100.0 * probability).abs() < 1e-3, "{label}");
    }
    let whole = |value: &Value| json!(value.as_f64().unwrap() as i64);
    let point = |name: &str| {
        let point = &face["landmarks"][name];
        json!([whole(&point["x"]), whole(&point["y"])])
    };
    let region = json!({
        "x": whole(&face["box"]["x"]),
        "y": whole(&face["box"]["y"]),
        "w": whole(&face["box"]["width"]),
        "h": whole(&face["box"]["height"]),
        "left_eye": point("left_eye"),
        "right_eye": point("right_eye"),
    });
    assert_eq!(found["region"], region);
    assert_eq!(found["face_confidence"], json!(0.93));
}

#[actix_web::test]
async fn form_and_json_have_the_same_result() {
    let app = TestApp::spawn_with(&[DETECTOR]);
    let photo = composite(&[("happy", 40, 60, 120), ("surprise", 330, 140, 240)]);
    let uri = data_uri(&photo);
    let (status, expected) = analyze(&app, &json!({"img_path": uri})).await;
    assert_eq!(
        (status, expected["results"].as_array().unwrap().len()),
        (200, 2)
    );
    let file = Part::bytes(photo).file_name("photo.png");
    let form = || {
        Form::new()
            .text("actions", "[\"emotion\"]")
            .text("align", "true")
    };
    for form in [form().part("img", file), form().text("img", uri)] {
        let request = app.client.post(app.url("/analyze")).multipart(form);
        assert_eq!(send(request).await, (200, expected.clone()));
    }
}

#[actix_web::test]
async fn image_without_face_is_rejected_if_detection_is_enforced() {
    let app = TestApp::spawn_with(&[DETECTOR]);
    let plain = composite(&[]);
    let uri = data_uri(&plain);
    let detail = rejection(&app, &json!({"img": uri}), "no_face").await;
    assert!(detail.contains("enforce_detection"), "{detail}");

    for allowed in [json!(false), json!("false")] {
        let body = json!({"img": uri, "enforce_detection": allowed});
        let (status, body) = analyze(&app, &body).await;
        assert_eq!(status, 200, "{body}");
        let [found] = body["results"].as_array().unwrap().as_slice() else {
            panic!("one result is expected: {body}");
        };
        let region =
            json!({"x": 0, "y": 0, "w": 639, "h": 479, "left_eye": null, "right_eye": null});
        assert_eq!(
            (&found["region"], &found["face_confidence"]),
            (&region, &json!(0.0))
        );
        let request = app.client.post(app.url("/v1/classify")).body(plain.clone());
        let (_, classified) = send(request).await;
        let prediction = &classified["predictions"][0];
        assert_eq!(found["dominant_emotion"], prediction["label"]);
    }
}

#[actix_web::test]
async fn other_actions_are_rejected_with_a_code() {
    let app = TestApp::spawn_with(&[DETECTOR]);
    let uri = data_uri(&face("happy"));
    for actions in [
        json!(["emotion", "age"]),
        json!("emotion, age"),
        json!("['age']"),
    ] {
        let body = json!({"img": uri, "actions": actions});
        let detail = rejection(&app, &body, "unsupported_action").await;
        assert!(detail.contains("`age`"), "{detail}");
    }
}

#[actix_web::test]
async fn paths_and_urls_are_not_opened() {
    let app = TestApp::spawn_with(&[DETECTOR]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/secret.png", listener.local_addr().unwrap());
    for source in [
        &url,
        "/etc/hostname",
        "tests/fixtures/faces/happy.png",
        "file:///etc/hostname",
    ] {
        let detail = rejection(&app, &json!({"img": source}), "invalid_request").await;
        assert!(
            detail.contains("data URI") && !detail.contains("secret"),
            "{detail}"
        );
        let form = Form::new().text("img", source.to_owned());
        let request = app.client.post(app.url("/analyze")).multipart(form);
        assert_problem(request.send().await.unwrap(), 400, "invalid_request").await;
    }
    assert!(listener.accept().is_err(), "the server opened the URL");
}

#[actix_web::test]
async fn unsupported_and_invalid_bodies_are_rejected() {
    let app = TestApp::spawn_with(&[DETECTOR, "--max-body=64KiB"]);
    let uri = data_uri(&face("happy"));
    for (body, code, part) in [
        (
            json!({"img": uri, "anti_spoofing": true}),
            "invalid_request",
            "anti_spoofing",
        ),
        (
            json!({"img": uri, "detector_backend": "skip"}),
            "invalid_request",
            "skip",
        ),
        (
            json!({"img": uri, "img_path": uri}),
            "invalid_request",
            "duplicate",
        ),
        (json!({"img": 7}), "invalid_request", "integer"),
        (json!({"actions": ["emotion"]}), "invalid_request", "`img`"),
        (
            json!({"img": "data:image/png;base64,%"}),
            "invalid_image",
            "base64",
        ),
        (json!({"img": data_uri(b"text")}), "invalid_image", "format"),
    ] {
        let detail = rejection(&app, &body, code).await;
        assert!(detail.contains(part), "{detail}");
    }
    let post = || app.client.post(app.url("/analyze"));
    let form = Form::new()
        .text("img", uri.clone())
        .text("actions", "e".repeat(1025));
    let long_option = post().multipart(form).send().await.unwrap();
    assert_problem(long_option, 400, "invalid_request").await;
    let large = json!({"img": data_uri(&[0; 64 << 10])});
    assert_problem(post().json(&large).send().await.unwrap(), 413, "too_large").await;
    let raw = post().body(face("happy")).send().await.unwrap();
    assert_problem(raw, 415, "unsupported_media_type").await;
}

#[actix_web::test]
async fn options_that_exceed_limits_are_rejected() {
    let app = TestApp::spawn_with(&[DETECTOR]);
    let options = (0..40).map(|_| Part::text("true"));
    let form = options.fold(Form::new(), |form, part| form.part("silent", part));
    let request = app.client.post(app.url("/analyze")).multipart(form);
    let problem = assert_problem(request.send().await.unwrap(), 400, "invalid_request").await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("more than 32 parts"), "{detail}");
    let body = json!({"img": data_uri(&face("sad")), "actions": "x".repeat(2_000)});
    let detail = rejection(&app, &body, "invalid_request").await;
    assert!(detail.contains("the maximum is 1024"), "{detail}");
}

#[actix_web::test]
async fn analysis_without_detector_names_remedy() {
    let app = TestApp::spawn();
    let request = app
        .client
        .post(app.url("/analyze"))
        .json(&json!({"img": ""}));
    assert_problem(request.send().await.unwrap(), 503, "detector_missing").await;
}
