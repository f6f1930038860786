//! The files of the web UI. `e2e/` tests its behaviour in a browser.

use reqwest::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};

use crate::helpers::{TestApp, assert_problem};

/// Returns the relative links of a page.
fn links(page: &str) -> Vec<&str> {
    let starts = ["src=\"", "href=\""]
        .iter()
        .flat_map(|start| page.split(start).skip(1));
    let mut links: Vec<&str> = starts.map(|rest| rest.split('"').next().unwrap()).collect();
    links.retain(|link| !link.starts_with('#'));
    links
}

/// Returns the modules that a module imports.
fn imports(module: &str) -> Vec<&str> {
    let imports = module.split("from './").skip(1);
    imports
        .map(|rest| rest.split('\'').next().unwrap())
        .collect()
}

#[actix_web::test]
async fn web_ui_and_linked_files_are_served() {
    let app = TestApp::spawn();
    let page = app.get("/").await;
    assert_eq!(page.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
    let page = page.text().await.unwrap();
    let links = links(&page);
    assert!(links.contains(&"web/main.js"), "{links:?}");
    for link in links {
        assert!(!link.contains("//"), "{link}");
        assert_eq!(app.get(&format!("/{link}")).await.status(), 200, "{link}");
    }
    let (mut visited, mut next) = (vec![], vec!["main.js".to_owned()]);
    while let Some(name) = next.pop() {
        let module = app.get(&format!("/web/{name}")).await;
        assert_eq!(
            module.headers()[CONTENT_TYPE],
            "text/javascript; charset=utf-8",
            "{name}"
        );
        let module = module.text().await.unwrap();
        next.extend(
            imports(&module)
                .into_iter()
                .map(str::to_owned)
                .filter(|n| !visited.contains(n)),
        );
        visited.push(name);
    }
    assert!(visited.len() > 5, "{visited:?}");
}

#[actix_web::test]
async fn csp_forbids_inline_and_external_sources() {
    let app = TestApp::spawn();
    for path in ["/", "/web/main.js", "/docs/"] {
        let response = app.get(path).await;
        let headers = response.headers();
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';"),
            "{path}: {policy}"
        );
        assert!(
            !policy.contains("http") && !policy.contains('*'),
            "{path}: {policy}"
        );
        assert_eq!(
            policy.contains("unsafe"),
            path == "/docs/",
            "{path}: {policy}"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
    }
    let page = app.get("/").await.text().await.unwrap();
    for inline in ["<style", " style=", " onclick=", "<script>"] {
        assert!(!page.contains(inline), "{inline}");
    }
}

#[actix_web::test]
async fn cached_file_returns_304() {
    let app = TestApp::spawn();
    let first = app.get("/web/base.css").await;
    assert_eq!(first.headers()[CACHE_CONTROL], "no-cache");
    let tag = first.headers()[ETAG].clone();
    let again = |tag: &str| {
        app.client
            .get(app.url("/web/base.css"))
            .header("if-none-match", tag)
    };
    let known = again(tag.to_str().unwrap()).send().await.unwrap();
    assert_eq!(
        (known.status().as_u16(), known.headers()[ETAG].clone()),
        (304, tag)
    );
    assert!(known.text().await.unwrap().is_empty());
    assert_eq!(again("\"another\"").send().await.unwrap().status(), 200);
}

#[actix_web::test]
async fn files_are_compressed_on_request() {
    let app = TestApp::spawn();
    let plain = app.get("/web/base.css").await.bytes().await.unwrap();
    let request = app
        .client
        .get(app.url("/web/base.css"))
        .header("accept-encoding", "gzip");
    let compressed = request.send().await.unwrap();
    assert_eq!(compressed.headers()["content-encoding"], "gzip");
    assert_eq!(compressed.headers()["vary"], "accept-encoding");
    let compressed = compressed.bytes().await.unwrap();
    assert!(
        compressed.len() * 2 < plain.len(),
        "{} {}",
        compressed.len(),
        plain.len()
    );
}

#[actix_web::test]
async fn unknown_file_is_not_served() {
    let app = TestApp::spawn();
    for path in [
        "/web/nope.js",
        "/web/",
        "/web/..%2fCargo.toml",
        "/web/..%2fsrc%2fmain.rs",
        "/web/main",
    ] {
        assert_problem(app.get(path).await, 404, "not_found").await;
    }
}
