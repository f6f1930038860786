//! `--notice`: the notice of the operator.

use serde_json::json;

use crate::{
    evaluations::{data_set, spawn},
    helpers::TestApp,
};

/// A notice with characters that HTML and Markdown escape.
const NOTICE: &str = "--notice=Test & study <A>, contact privacy@example.org";
const AS_HTML: &str =
    r#"<p class="operator-notice">Test &amp; study &lt;A&gt;, contact privacy@example.org</p>"#;

#[actix_web::test]
async fn notice_is_part_of_page_document_and_reports() {
    let data = data_set();
    let app = spawn(&data, &[NOTICE]);
    let text = async |path: &str| app.get(path).await.text().await.unwrap();
    let page = text("/").await;
    assert!(page.contains(AS_HTML), "{page}");
    let document = app.json("/openapi.json").await;
    assert_eq!(
        document["info"]["x-notice"],
        "Test & study <A>, contact privacy@example.org"
    );
    let id = app.evaluate(&json!({"dataset": "faces"})).await;
    for path in [
        format!("/v1/evaluations/{id}/report?format"),
        format!("/v1/evaluations/compare?a={id}&b={id}&format"),
    ] {
        let html = text(&format!("{path}=html")).await;
        assert_eq!(html.matches(AS_HTML).count(), 1, "{html}");
        let markdown = text(&format!("{path}=markdown")).await;
        let line = "\nTest \\& study \\<A\\>, contact privacy@example.org\n";
        assert_eq!(markdown.matches(line).count(), 1, "{markdown}");
    }
}

#[actix_web::test]
async fn page_with_notice_has_its_own_tag() {
    let tag = async |app: &TestApp| app.get("/").await.headers()["etag"].clone();
    let without = TestApp::spawn();
    let with = TestApp::spawn_with(&[NOTICE]);
    let known = tag(&with).await;
    assert_ne!(tag(&without).await, known);
    let again = with.client.get(with.url("/"));
    let again = again.header("if-none-match", known).send().await.unwrap();
    assert_eq!(again.status(), 304);
}
