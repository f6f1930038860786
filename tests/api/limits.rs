//! Invalid and oversized requests: status and code, without internals in the body.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use actix_web::web;
use reqwest::{Body, RequestBuilder, multipart};

use crate::helpers::{TestApp, assert_problem, face, fixture};

async fn assert_rejected(request: RequestBuilder, status: u16, code: &str) -> String {
    let body = assert_problem(request.send().await.unwrap(), status, code).await;
    body["detail"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn invalid_images_return_400() {
    let app = TestApp::spawn();
    let png = face("happy");
    for bytes in [
        b"".to_vec(),
        b"hello".to_vec(),
        vec![0; 4096],
        png[..20].to_vec(),
    ] {
        assert_rejected(app.classify("", bytes), 400, "invalid_image").await;
    }
    let half = png[..png.len() / 2].to_vec();
    let detail = assert_rejected(app.classify("", half), 400, "invalid_image").await;
    assert!(detail.contains("truncated"), "{detail}");
    let detail = assert_rejected(app.classify("", ""), 400, "invalid_image").await;
    assert!(detail.contains("empty"), "{detail}");
    let request = app
        .classify("", "%PDF-1.7")
        .header("content-type", "image/png");
    assert_rejected(request, 400, "invalid_image").await;
}

/// Returns a file of the tests of image decoding.
fn fault(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/faces/tests/fixtures/faults");
    fs::read(format!("{folder}/{name}")).unwrap()
}

#[actix_web::test]
async fn unsupported_images_return_400_with_own_code() {
    let app = TestApp::spawn();
    for name in ["arithmetic.jpg", "cgbi.png"] {
        let detail = assert_rejected(app.classify("", fault(name)), 400, "unsupported").await;
        assert!(detail.contains("is not supported"), "{detail}");
    }
    let heic = "\0\0\0\x18ftypheic\0\0\0\0mif1heic";
    let detail = assert_rejected(app.classify("", heic), 400, "unsupported").await;
    assert!(
        detail.contains("HEIC") && detail.contains("JPEG"),
        "{detail}"
    );
}

#[actix_web::test]
async fn image_gets_same_result_alone_and_with_another() {
    let app = TestApp::spawn();
    for (name, status, code) in [
        ("frame_600_screen_48.gif", 200, None),
        ("panic_48.jpg", 200, None),
        ("frame_9000_screen_48.gif", 413, Some("too_large")),
        ("cgbi.png", 400, Some("unsupported")),
    ] {
        let alone = app.classify("", fault(name)).send().await.unwrap();
        assert_eq!(alone.status(), status, "{name}");
        let both = app.classify_many("", [face("happy"), fault(name)].into_iter());
        let both: serde_json::Value = both.send().await.unwrap().json().await.unwrap();
        let error = both["predictions"][1]["error"]["code"].as_str();
        assert_eq!(error, code, "{name}");
    }
}

#[actix_web::test]
async fn decoder_memory_limit_returns_413() {
    // A PNG of 48x48 pixels takes 4,608 bytes.
    let app = TestApp::spawn_with(&["--max-decode-memory=4608"]);
    let accepted = app.classify("", face("happy")).send().await.unwrap();
    assert_eq!(accepted.status(), 200);
    let app = TestApp::spawn_with(&["--max-decode-memory=4607"]);
    let detail = assert_rejected(app.classify("", face("happy")), 413, "too_large").await;
    assert!(detail.contains("48x48"), "{detail}");
}

#[actix_web::test]
async fn unsupported_media_types_return_415() {
    let app = TestApp::spawn();
    let media_types = [
        "text/plain",
        "application/pdf",
        "application/x-www-form-urlencoded",
        "nonsense",
    ];
    for media_type in media_types {
        let request = app
            .classify("", face("happy"))
            .header("content-type", media_type);
        assert_rejected(request, 415, "unsupported_media_type").await;
    }
    let request = app
        .classify("", face("happy"))
        .header("content-encoding", "gzip");
    assert_rejected(request, 415, "unsupported_media_type").await;
}

#[actix_web::test]
async fn identity_content_encoding_is_accepted() {
    let app = TestApp::spawn();
    for coding in ["identity", "Identity", "", "identity, identity"] {
        let request = app
            .classify("", face("happy"))
            .header("content-encoding", coding);
        assert_eq!(request.send().await.unwrap().status(), 200, "{coding}");
        let index = app.client.post(app.url("/v2/repository/index"));
        let index = index.header("content-encoding", coding);
        assert_eq!(index.send().await.unwrap().status(), 200, "{coding}");
    }
}

#[actix_web::test]
async fn invalid_json_returns_400() {
    let app = TestApp::spawn();
    for text in [
        "",
        "{",
        "[]",
        "{}",
        r#"{"images":"x"}"#,
        r#"{"images":[1]}"#,
        r#"{"images":[]}"#,
        r#"{"images":["AA=="],"x":1}"#,
    ] {
        assert_rejected(app.classify_json(text), 400, "invalid_request").await;
    }
    for image in ["!", "AAAA", ""] {
        let text = format!(r#"{{"images":["{image}"]}}"#);
        assert_rejected(app.classify_json(text), 400, "invalid_image").await;
    }
}

#[actix_web::test]
async fn invalid_forms_return_400() {
    let app = TestApp::spawn();
    let post = || app.client.post(app.url("/v1/classify"));
    let unknown = multipart::Form::new().part("file", multipart::Part::bytes(face("happy")));
    let detail = assert_rejected(post().multipart(unknown), 400, "invalid_request").await;
    assert!(
        detail.contains("`file`") && detail.contains("`image`"),
        "{detail}"
    );
    let cut_off = "--a\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\nabc";
    for (kind, body) in [
        ("multipart/form-data", "--a--\r\n"),
        ("multipart/form-data; boundary=a", ""),
        ("multipart/form-data; boundary=a", "--a--\r\n"),
        ("multipart/form-data; boundary=a", "nonsense"),
        ("multipart/form-data; boundary=a", cut_off),
    ] {
        let request = post().header("content-type", kind).body(body);
        assert_rejected(request, 400, "invalid_request").await;
    }
}

#[actix_web::test]
async fn invalid_queries_and_headers_return_400() {
    let app = TestApp::spawn();
    for query in [
        "?top_k=0",
        "?top_k=8",
        "?top_k=-1",
        "?top_k=x",
        "?topk=1",
        "?model=a&model=b",
    ] {
        assert_rejected(app.classify(query, face("happy")), 400, "invalid_request").await;
    }
    for value in ["0", "-1", "soon", "1.5"] {
        let request = app
            .classify("", face("happy"))
            .header("x-request-timeout-ms", value);
        assert_rejected(request, 400, "invalid_request").await;
    }
}

#[actix_web::test]
async fn unavailable_models_are_errors() {
    let app = TestApp::spawn();
    for query in ["?model=nope", "?model=../small", "?model="] {
        assert_rejected(app.classify(query, face("happy")), 404, "unknown_model").await;
    }
    for query in [
        "?version=2",
        "?version=0",
        "?version=x",
        "?version=01",
        "?model=broken",
        "?model=broken&version=1",
    ] {
        assert_rejected(app.classify(query, face("happy")), 404, "unknown_version").await;
    }
}

#[actix_web::test]
async fn oversized_body_returns_413() {
    let app = TestApp::spawn_with(&["--max-body=2kB"]);
    app.assert_classifies().await;
    assert_rejected(app.classify("", vec![0; 2001]), 413, "too_large").await;
    let chunks =
        || futures_util::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>(vec![0; 1000])));
    assert_rejected(
        app.classify("", Body::wrap_stream(chunks())),
        413,
        "too_large",
    )
    .await;
    let form = multipart::Part::stream(Body::wrap_stream(chunks()));
    let form = multipart::Form::new().part("image", form);
    let request = app.client.post(app.url("/v1/classify")).multipart(form);
    assert_rejected(request, 413, "too_large").await;
    let json = app.classify_json(Body::wrap_stream(chunks()));
    assert_rejected(json, 413, "too_large").await;
}

#[actix_web::test]
async fn too_many_pixels_return_413() {
    let app = TestApp::spawn_with(&["--max-pixels=2304"]);
    app.assert_classifies().await;
    let huge = fs::read(fixture("huge.png")).unwrap();
    let detail = assert_rejected(app.classify("", huge), 413, "too_large").await;
    assert!(detail.contains("100000x100000"), "{detail}");
    let app = TestApp::spawn_with(&["--max-pixels=2303"]);
    assert_rejected(app.classify("", face("happy")), 413, "too_large").await;
}

#[actix_web::test]
async fn too_many_images_return_413() {
    let app = TestApp::spawn_with(&["--max-images=2"]);
    let images = |count| std::iter::repeat_n(face("happy"), count);
    assert_eq!(
        app.classify_many("", images(2))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    assert_rejected(app.classify_many("", images(3)), 413, "too_large").await;
    let json = r#"{"images":["","",""]}"#;
    let request = app.classify_json(json);
    assert_rejected(request, 413, "too_large").await;
    let json = format!(r#"{{"images":[{}]}}"#, vec![r#""""#; 70_000].join(","));
    let request = app.classify_json(json);
    assert_rejected(request, 413, "too_large").await;
}

/// Sends a request with an incomplete body, and reads the response until the connection ends.
fn trickle(port: &str, extra: &str) -> String {
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let head = format!(
        "POST /v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n{extra}\r\nabc"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}

#[actix_web::test]
async fn slow_body_returns_408() {
    let app = TestApp::spawn_with(&["--body-timeout=50ms"]);
    let port = app.base.rsplit(':').next().unwrap().to_owned();
    let late = port.clone();
    let response = web::block(move || trickle(&port, "")).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 408"), "{response}");
    assert!(
        response.contains("\"code\":\"request_timeout\""),
        "{response}"
    );
    // A shorter deadline of the client has priority.
    let response = web::block(move || trickle(&late, "x-request-timeout-ms: 10\r\n"))
        .await
        .unwrap();
    assert!(response.starts_with("HTTP/1.1 504"), "{response}");
}
