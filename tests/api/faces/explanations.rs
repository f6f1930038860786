//! `POST /v1/explain` with the box of a face.

use reqwest::RequestBuilder;

use super::{faces, number, portrait, spawn};
use crate::helpers::{TestApp, assert_problem, send};

fn explain(app: &TestApp, face_box: &str) -> RequestBuilder {
    let url = app.url(&format!("/v1/explain?box={face_box}"));
    app.client.post(url).body(portrait())
}

#[actix_web::test]
async fn explanation_of_box_is_of_same_crop() {
    let app = spawn();
    let found = faces(&app, "", portrait()).await;
    let face_box = ["x", "y", "width", "height"].map(|key| found[0]["box"][key].to_string());
    let (status, body) = send(explain(&app, &face_box.join(","))).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["label"], found[0]["label"]);
    let difference = number(&body["probability"]) - number(&found[0]["confidence"]);
    assert!(difference.abs() < 1e-4, "{body} {found:?}");
}

#[actix_web::test]
async fn explanation_of_invalid_box_is_rejected() {
    let app = spawn();
    for face_box in [
        "",
        "1,2,3",
        "1,2,3,four",
        "0,0,0,0",
        "9000,0,10,10",
        "nan,0,9,9",
        "0,0,1e9,9",
    ] {
        let response = explain(&app, face_box).send().await.unwrap();
        assert_problem(response, 400, "invalid_request").await;
    }
}
