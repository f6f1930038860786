//! `/v1/evaluations/{id}/report`: the formats of a report.

mod html;

use reqwest::{
    Response,
    header::{ACCEPT, CONTENT_TYPE, VARY},
};
use serde_json::{Value, json};

use crate::{
    evaluations::{STUCK, data_set, spawn},
    helpers::{TestApp, assert_problem},
};

async fn get_accepting(app: &TestApp, path: &str, accept: &str) -> Response {
    app.client
        .get(app.url(path))
        .header(ACCEPT, accept)
        .send()
        .await
        .unwrap()
}

fn content_type(response: &Response) -> String {
    response.headers()[CONTENT_TYPE]
        .to_str()
        .unwrap()
        .to_owned()
}

const PAGE: &str = "text/html; charset=utf-8";
const MARKDOWN: &str = "text/markdown; charset=utf-8";

#[actix_web::test]
async fn report_format_is_negotiated() {
    let data = data_set();
    let app = spawn(&data, &[]);
    let a = app.evaluate(&json!({"dataset": "faces"})).await;
    let b = app
        .evaluate(&json!({"dataset": "faces", "model": "tiny"}))
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
            let response = get_accepting(&app, &path, accept).await;
            assert_eq!(
                (response.status().as_u16(), content_type(&response).as_str()),
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
            let response =
                get_accepting(&app, &format!("{path}&format={format}"), "image/png").await;
            assert_eq!(
                (response.status().as_u16(), content_type(&response).as_str()),
                (200, expected),
                "{format}"
            );
        }
        let response = get_accepting(&app, &path, "image/png, text/html;q=0").await;
        let body = assert_problem(response, 406, "not_acceptable").await;
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

#[actix_web::test]
async fn report_of_unfinished_evaluation_is_conflict() {
    let data = data_set();
    let app = spawn(&data, &STUCK);
    let missing = app.get("/v1/evaluations/nope/report?format=html").await;
    assert_problem(missing, 404, "unknown_evaluation").await;
    let location = app.start_evaluation(&json!({"dataset": "faces"})).await;
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
async fn markdown_contains_numbers_of_json() {
    let data = data_set();
    let app = spawn(&data, &[]);
    let id = app
        .evaluate(&json!({"dataset": "faces", "model": "tiny"}))
        .await;
    let path = format!("/v1/evaluations/{id}/report");
    let report = app.json(&path).await["report"].clone();
    let text = get_accepting(&app, &path, "text/markdown")
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
