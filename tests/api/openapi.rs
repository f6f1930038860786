//! The OpenAPI document and the API reference.

use std::fs;

use serde_json::Value;

use crate::helpers::TestApp;

#[actix_web::test]
async fn served_openapi_equals_committed_file() {
    let app = TestApp::spawn();
    let served = app.json("/openapi.json").await;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json");
    let committed: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert!(
        served == committed,
        "openapi/openapi.json is stale; `cargo xtask openapi` writes it"
    );
}

#[actix_web::test]
async fn openapi_operations_and_references_are_complete() {
    let app = TestApp::spawn();
    let document = app.json("/openapi.json").await;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = format!("{method} {path}");
            for key in ["operationId", "tags", "summary"] {
                assert!(!operation[key].is_null(), "{name}: {key}");
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                assert!(
                    !response["description"].as_str().unwrap().is_empty(),
                    "{name} {status}"
                );
                assert!(
                    !response["headers"]["X-Request-Id"].is_null(),
                    "{name} {status}"
                );
                let is_error = status.starts_with(['4', '5']) && !path.contains("/health");
                let is_oip = path.starts_with("/v2");
                let media_type = if is_oip {
                    "application/json"
                } else {
                    "application/problem+json"
                };
                if is_error {
                    assert!(
                        !response["content"][media_type].is_null(),
                        "{name} {status}"
                    );
                }
            }
        }
    }
    let text = document.to_string();
    for reference in text.split("\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

#[actix_web::test]
async fn api_reference_loads_no_external_files() {
    let app = TestApp::spawn();
    let page = app.get("/docs").await;
    assert_eq!((page.status().as_u16(), page.url().path()), (200, "/docs/"));
    let page = page.text().await.unwrap();
    let links: Vec<&str> = ["src=\"", "href=\""]
        .iter()
        .flat_map(|start| page.split(start).skip(1))
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert!(links.len() >= 4, "{page}");
    for link in links {
        assert!(!link.contains("//"), "{link}");
        let asset = app.get(&format!("/docs/{link}")).await;
        assert_eq!(asset.status(), 200, "{link}");
    }
    let start = app
        .get("/docs/swagger-initializer.js")
        .await
        .text()
        .await
        .unwrap();
    assert!(
        start.contains("/openapi.json") && !start.contains("//petstore"),
        "{start}"
    );
}
