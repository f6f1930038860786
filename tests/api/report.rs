//! `/v1/evaluations/{id}/report`: the same report for programs and for people.

use std::fs;

use base64::{Engine, prelude::BASE64_STANDARD};
use mien_faces::image::{Limits, decode};
use reqwest::{
    Response,
    header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY},
};
use serde_json::{Value, json};

use crate::{
    evaluations::{STUCK, data_set, put, spawn},
    helpers::{TestApp, assert_problem, face},
    state::spawn_on,
};

async fn accepting(app: &TestApp, path: &str, accept: &str) -> Response {
    app.client
        .get(app.url(path))
        .header(ACCEPT, accept)
        .send()
        .await
        .unwrap()
}

fn kind(response: &Response) -> String {
    response.headers()[CONTENT_TYPE]
        .to_str()
        .unwrap()
        .to_owned()
}

const PAGE: &str = "text/html; charset=utf-8";
const MARKDOWN: &str = "text/markdown; charset=utf-8";

#[actix_web::test]
async fn the_client_chooses_the_form() {
    let data = data_set();
    let app = spawn(&data, &[]);
    let a = app.evaluated(&json!({"dataset": "faces"})).await;
    let b = app
        .evaluated(&json!({"dataset": "faces", "model": "tiny"}))
        .await;
    for path in [
        format!("/v1/evaluations/{a}/report?"),
        format!("/v1/evaluations/compare?a={a}&b={b}"),
    ] {
        for (accept, expected) in [
            ("*/*", "application/json"),
            ("application/json", "application/json"),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                PAGE,
            ),
            ("text/markdown", MARKDOWN),
            (
                "text/html;q=0.2, text/markdown;q=0.7, application/json;q=0.5",
                MARKDOWN,
            ),
        ] {
            let response = accepting(&app, &path, accept).await;
            assert_eq!(
                (response.status().as_u16(), kind(&response).as_str()),
                (200, expected),
                "{accept}"
            );
            assert_eq!(response.headers()[VARY], "accept");
        }
        for (format, expected) in [
            ("json", "application/json"),
            ("html", PAGE),
            ("markdown", MARKDOWN),
        ] {
            let response = accepting(&app, &format!("{path}&format={format}"), "image/png").await;
            assert_eq!(
                (response.status().as_u16(), kind(&response).as_str()),
                (200, expected),
                "{format}"
            );
        }
        let refused = accepting(&app, &path, "image/png, text/html;q=0").await;
        let body = assert_problem(refused, 406, "not_acceptable").await;
        assert!(
            body["detail"].as_str().unwrap().contains("text/markdown"),
            "{body}"
        );
        for query in ["&format=pdf", "&colour=red"] {
            let response = app.get(&format!("{path}{query}")).await;
            assert_problem(response, 400, "invalid_request").await;
        }
    }
    let document = app.json(&format!("/v1/evaluations/{a}")).await;
    assert_eq!(
        app.json(&format!("/v1/evaluations/{a}/report")).await,
        document
    );
}

/// What the page shows: the bytes of its pictures.
fn pictures(page: &str) -> Vec<Vec<u8>> {
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
async fn a_page_holds_all_that_it_shows_under_a_strict_policy() {
    let data = data_set();
    put(data.path(), "test/sad/<b>\"bad.png", b"no picture");
    let app = spawn(&data, &[]);
    let id = app.evaluated(&json!({"dataset": "faces"})).await;
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
    for foreign in ["<script", "<link", " style=", "http:", "https:", "<b>"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    let detail = document["report"]["unreadable"]["images"][0]["detail"]
        .as_str()
        .unwrap();
    assert!(
        page.contains(&format!("test/sad/&lt;b&gt;&quot;bad.png: {detail}")),
        "{detail}"
    );

    let (report, words) = (&document["report"], |key: &str| {
        document[key].as_str().unwrap()
    });
    for text in [
        words("sha256"),
        words("dataset_sha256"),
        words("request_id"),
        &id,
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert!(page.contains(&format!(
        "{:.2} %",
        100.0 * report["accuracy"].as_f64().unwrap()
    )));
    // A cell of the matrix, by what it says when it is pointed at.
    assert!(
        page.contains("<title>neutral taken for neutral: 1 of 1, 100.0 %</title>"),
        "{page}"
    );

    let mistakes = report["mistakes"].as_array().unwrap();
    let shown = pictures(&page);
    assert_eq!(shown.len(), mistakes.len());
    for (png, mistake) in shown.iter().zip(mistakes) {
        let [shown, stored] = [png, &face(mistake["label"].as_str().unwrap())]
            .map(|bytes| decode(bytes, &Limits::default()).unwrap());
        assert_eq!(shown, stored);
    }
}

#[actix_web::test]
async fn a_comparison_shows_the_faces_that_flipped() {
    let data = data_set();
    let app = spawn(&data, &[]);
    let a = app
        .evaluated(&json!({"dataset": "faces", "model": "keras"}))
        .await;
    let b = app.evaluated(&json!({"dataset": "faces"})).await;
    let path = format!("/v1/evaluations/compare?a={a}&b={b}");
    let flipped = app.json(&path).await["flipped"]["count"].as_u64().unwrap();
    let page = app
        .get(&format!("{path}&format=html"))
        .await
        .text()
        .await
        .unwrap();
    assert_eq!(pictures(&page).len() as u64, flipped);
    for text in [
        "keras@1",
        "small@1",
        "These images do not tell",
        a.as_str(),
        b.as_str(),
    ] {
        assert!(page.contains(text), "{text}");
    }
}

#[actix_web::test]
async fn without_its_data_set_a_report_names_the_images() {
    let (data, state) = (data_set(), tempfile::tempdir().unwrap());
    let mut app = spawn_on(&state, &data, &[]).await;
    let id = app.evaluated(&json!({"dataset": "faces"})).await;
    let path = format!("/v1/evaluations/{id}/report?format=html");
    let whole = app.get(&path).await.text().await.unwrap();
    app.ended().await;

    let other = data_set();
    fs::remove_dir_all(other.path().join("test")).unwrap();
    let app = spawn_on(&state, &other, &[]).await;
    let bare = app.get(&path).await.text().await.unwrap();
    assert!(whole.contains("<img ") && !bare.contains("<img "));
    let of_mistakes = |page: &str| page.contains("test/surprise/PrivateTest_6.png");
    assert!(of_mistakes(&whole) && of_mistakes(&bare));
}

#[actix_web::test]
async fn what_has_no_report_is_refused() {
    let data = data_set();
    let app = spawn(&data, &STUCK);
    let missing = app.get("/v1/evaluations/nope/report?format=html").await;
    assert_problem(missing, 404, "unknown_evaluation").await;
    let location = app.ordered(&json!({"dataset": "faces"})).await;
    let body = assert_problem(
        app.get(&format!("{location}/report")).await,
        409,
        "conflict",
    )
    .await;
    assert!(
        body["detail"].as_str().unwrap().contains("has not ended"),
        "{body}"
    );
    let post = app
        .client
        .post(app.url(&format!("{location}/report")))
        .send()
        .await
        .unwrap();
    assert_problem(post, 405, "method_not_allowed").await;
}

#[actix_web::test]
async fn markdown_tells_the_numbers_of_the_document() {
    let data = data_set();
    let app = spawn(&data, &[]);
    let id = app
        .evaluated(&json!({"dataset": "faces", "model": "tiny"}))
        .await;
    let path = format!("/v1/evaluations/{id}/report");
    let report = app.json(&path).await["report"].clone();
    let text = accepting(&app, &path, "text/markdown")
        .await
        .text()
        .await
        .unwrap();
    let percent = |value: &Value, digits: usize| {
        value
            .as_f64()
            .map_or("–".to_owned(), |v| format!("{:.digits$} %", 100.0 * v))
    };
    assert!(text.starts_with("# tiny@1 on faces test\n"), "{text}");
    assert!(
        text.contains(&format!(
            "| Accuracy | {} |",
            percent(&report["accuracy"], 2)
        )),
        "{text}"
    );
    for class in report["classes"].as_array().unwrap() {
        let [precision, recall] = ["precision", "recall"].map(|key| percent(&class[key], 1));
        let row = format!(
            "| {} | 1 | {precision} | {recall} |",
            class["label"].as_str().unwrap()
        );
        assert!(text.contains(&row), "{row} in {text}");
    }
    for mistake in report["mistakes"].as_array().unwrap() {
        let name = mistake["name"].as_str().unwrap().replace('_', "\\_");
        assert!(text.contains(&format!("| {name} |")), "{name} in {text}");
    }
}
