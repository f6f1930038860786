//! The HTML reports.

use std::fs;

use base64::{Engine, prelude::BASE64_STANDARD};
use mien_faces::image::{Limits, decode};
use reqwest::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY};
use serde_json::json;

use crate::{
    evaluations::{data_set, put, spawn},
    helpers::face,
    state::spawn_on,
};

/// Returns the image files in a page.
fn images(page: &str) -> Vec<Vec<u8>> {
    let sources = page
        .split("<img src=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap());
    sources
        .map(|source| {
            BASE64_STANDARD
                .decode(source.strip_prefix("data:image/png;base64,").unwrap())
                .unwrap()
        })
        .collect()
}

#[actix_web::test]
async fn page_is_self_contained_under_strict_policy() {
    let data = data_set();
    put(data.path(), "test/sad/<b>\"bad.png", b"not an image");
    let app = spawn(&data, &[]);
    let id = app.evaluate(&json!({"dataset": "faces"})).await;
    let document = app.json(&format!("/v1/evaluations/{id}")).await;
    let response = app
        .get(&format!("/v1/evaluations/{id}/report?format=html"))
        .await;
    let headers = response.headers().clone();
    let page = response.text().await.unwrap();

    let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(
        policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert!(page.contains(policy.split("; frame-ancestors").next().unwrap()));
    assert_eq!(
        headers[CONTENT_DISPOSITION],
        format!("inline; filename=\"evaluation-{id}.html\"")
    );
    assert_eq!(headers["x-content-type-options"], "nosniff");
    for forbidden in ["<script", "<link", " style=", "http:", "https:", "<b>"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    let detail = document["report"]["unreadable"]["images"][0]["detail"]
        .as_str()
        .unwrap();
    assert!(
        page.contains(&format!("test/sad/&lt;b&gt;&quot;bad.png: {detail}")),
        "{detail}"
    );

    let report = &document["report"];
    let field = |key: &str| document[key].as_str().unwrap();
    for text in [
        field("sha256"),
        field("dataset_sha256"),
        field("request_id"),
        &id,
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert!(page.contains(&format!(
        "{:.2} %",
        100.0 * report["accuracy"].as_f64().unwrap()
    )));
    // The tooltip of a cell of the confusion matrix.
    assert!(
        page.contains("<title>neutral predicted as neutral: 1 of 1, 100.0 %</title>"),
        "{page}"
    );

    let mistakes = report["mistakes"].as_array().unwrap();
    let shown = images(&page);
    assert_eq!(shown.len(), mistakes.len());
    for (png, mistake) in shown.iter().zip(mistakes) {
        let [shown, stored] = [png, &face(mistake["label"].as_str().unwrap())]
            .map(|bytes| decode(bytes, &Limits::default()).unwrap());
        assert_eq!(shown, stored);
    }
}

#[actix_web::test]
async fn comparison_page_shows_faces_with_different_predictions() {
    let data = data_set();
    let app = spawn(&data, &[]);
    let a = app
        .evaluate(&json!({"dataset": "faces", "model": "keras"}))
        .await;
    let b = app.evaluate(&json!({"dataset": "faces"})).await;
    let path = format!("/v1/evaluations/compare?a={a}&b={b}");
    let changed = app.json(&path).await["flipped"]["count"].as_u64().unwrap();
    let page = app
        .get(&format!("{path}&format=html"))
        .await
        .text()
        .await
        .unwrap();
    assert_eq!(images(&page).len() as u64, changed);
    for text in [
        "keras@1",
        "small@1",
        "do not differ significantly",
        a.as_str(),
        b.as_str(),
    ] {
        assert!(page.contains(text), "{text}");
    }
}

#[actix_web::test]
async fn report_without_data_set_lists_image_names() {
    let (data, state) = (data_set(), tempfile::tempdir().unwrap());
    let mut app = spawn_on(&state, &data, &[]).await;
    let id = app.evaluate(&json!({"dataset": "faces"})).await;
    let path = format!("/v1/evaluations/{id}/report?format=html");
    let whole = app.get(&path).await.text().await.unwrap();
    app.stop_and_wait().await;

    let other = data_set();
    fs::remove_dir_all(other.path().join("test")).unwrap();
    let app = spawn_on(&state, &other, &[]).await;
    let bare = app.get(&path).await.text().await.unwrap();
    assert!(whole.contains("<img ") && !bare.contains("<img "));
    let names_mistake = |page: &str| page.contains("test/surprise/PrivateTest_6.png");
    assert!(names_mistake(&whole) && names_mistake(&bare));
}
