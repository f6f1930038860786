//! Attacks of pages of other sites on a server that listens on a loopback address without credentials.

use std::fs;

use anyhow::{Context, Result, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use mien_e2e::{FOREIGN_HOST, WebUi, repository_path, with_foreign_pages};
use serde_json::{Value, json};

/// Request body that starts an evaluation or a promotion.
const BODY: &str = r#"{"model":"tiny","version":"2","dataset":"faces","min_accuracy":0}"#;

/// Sends the requests that a page of another origin can send without permission of the server. Returns those whose response the page
/// can read. The arguments are the origin of the server, the operations with JSON bodies, and an image.
const CROSS_ORIGIN: &str = "
    const [server, operations, face] = arguments
    const image = new Blob([Uint8Array.from(atob(face), (char) => char.charCodeAt(0))], { type: 'text/plain' })
    const readable = []
    const loads = (tag, src) => new Promise((resolve) => {
        const element = document.createElement(tag)
        element.onload = () => resolve(true)
        element.onerror = () => resolve(false)
        element.src = src
        document.body.append(element)
    })
    const frame = Object.assign(document.createElement('iframe'), { name: 'target' })
    document.body.append(frame)
    const submit = (action, enctype, json) => new Promise((resolve) => {
        const form = Object.assign(document.createElement('form'), { method: 'post', action, enctype, target: 'target' })
        // With text/plain, the body is a JSON document.
        const name = json.slice(0, -1) + ',\"x\":\"'
        form.append(Object.assign(document.createElement('input'), { name, value: '\"}' }))
        document.body.append(form)
        frame.onload = () => resolve(frame.contentDocument !== null)
        form.submit()
    })
    return (async () => {
        for (const { method, path, json } of operations) {
            for (const mode of ['cors', 'no-cors']) {
                for (const body of method === 'POST' ? [json, image] : [undefined]) {
                    try {
                        const response = await fetch(server + path, { method, mode, body })
                        if (response.type !== 'opaque') readable.push(`${mode} ${method} ${path}: ${response.status}`)
                    } catch {
                        // The browser rejected the request or its response.
                    }
                }
            }
            if (method === 'GET') {
                for (const tag of ['img', 'script']) {
                    if (await loads(tag, server + path)) readable.push(`${tag} ${path}`)
                }
            }
            if (method === 'POST') {
                for (const enctype of ['text/plain', 'multipart/form-data', 'application/x-www-form-urlencoded']) {
                    if (await submit(server + path, enctype, json)) readable.push(`form ${enctype} ${path}`)
                }
            }
        }
        return readable
    })()";

/// Sends requests to the origin of the page, whose host name resolves to the server after DNS rebinding. Returns the requests that the
/// server does not reject with 403. The arguments are those of `CROSS_ORIGIN`.
const SAME_ORIGIN: &str = "
    const [, operations, face] = arguments
    const image = new Blob([Uint8Array.from(atob(face), (char) => char.charCodeAt(0))], { type: 'image/png' })
    return (async () => {
        const accepted = []
        for (const { method, path, json } of operations) {
            const text = new Blob([json], { type: 'application/json' })
            for (const body of method === 'POST' ? [text, image] : [undefined]) {
                const { status } = await fetch(path, { method, body })
                if (status !== 403) accepted.push(`${method} ${path}: ${status}`)
            }
        }
        return accepted
    })()";

/// Returns whether a page can open the WebSocket of the server, whose origin is the argument.
const OPENS_WEB_SOCKET: &str = "
    return new Promise((resolve) => {
        const socket = new WebSocket(arguments[0].replace('http', 'ws') + '/v1/live')
        socket.onopen = () => resolve(true)
        socket.onerror = () => resolve(false)
    })";

/// Returns models, evaluations, promotions, and the counters of images, loads, promotions and shadows.
const STATE: &str = "
    const read = async (path) => (await fetch(path)).text()
    return (async () => {
        const metrics = (await read('/metrics')).split('\\n')
        const counters = metrics.filter((line) => /^mien_(images|predictions|model_loads|promotions|shadow_images)_total/.test(line))
        const paths = ['/v1/models', '/v1/evaluations', '/v1/models/tiny/promotions']
        return [...await Promise.all(paths.map(read)), ...counters]
    })()";

/// Returns an operation with a valid request body, if it takes one.
fn operation_of(method: &str, path: &str) -> Value {
    let body = if path.ends_with("/shadow") {
        r#"{"candidate":"2"}"#
    } else {
        BODY
    };
    json!({"method": method, "path": path, "json": body})
}

/// Returns the operations of the API that API keys protect, with names of the fixtures in their paths.
fn operations() -> Result<Vec<Value>> {
    let document = fs::read_to_string(repository_path("openapi/openapi.json"))?;
    let document: Value = serde_json::from_str(&document)?;
    let paths = document["paths"].as_object().context("no paths")?;
    let mut operations = vec![];
    for (path, methods) in paths {
        let path = path
            .replace("{name}", "tiny")
            .replace("{model}", "tiny")
            .replace("{version}", "1")
            .replace("{id}", "1");
        for (method, operation) in methods.as_object().context("no methods")? {
            if operation["security"].is_array() {
                operations.push(operation_of(&method.to_uppercase(), &path));
            }
        }
    }
    ensure!(operations.len() > 30, "{operations:?}");
    Ok(operations)
}

/// Returns the arguments of the scripts.
fn arguments(ui: &WebUi, operations: &[Value]) -> Result<[Value; 3]> {
    let face = fs::read(repository_path("tests/fixtures/faces/happy.png"))?;
    let face = BASE64_STANDARD.encode(face);
    Ok([ui.origin().into(), operations.into(), face.into()])
}

/// Returns the state of the server.
async fn state(ui: &WebUi) -> Result<Value> {
    ui.open("").await?;
    ui.run(STATE, &[]).await
}

/// Opens a page, runs a script with all operations, and checks that it returns an empty list and that the page cannot open a WebSocket.
async fn attack(ui: &WebUi, page: &str, script: &str, server: &str) -> Result<()> {
    ui.client().goto(page).await?;
    let succeeded = ui.run(script, &arguments(ui, &operations()?)?).await?;
    ensure!(succeeded == json!([]), "{page}: {succeeded}");
    let opened = ui.run(OPENS_WEB_SOCKET, &[server.into()]).await?;
    ensure!(opened == false, "{page} opened a WebSocket");
    Ok(())
}

/// Checks that a script has an effect on the page of the server itself.
async fn check_script(ui: &WebUi, script: &str, before: &Value) -> Result<()> {
    let unload = [operation_of("POST", "/v1/models/tiny/unload")];
    let succeeded = ui.run(script, &arguments(ui, &unload)?).await?;
    ensure!(succeeded != json!([]), "the script changed nothing");
    ensure!(
        state(ui).await? != *before,
        "the state does not show that the model was unloaded"
    );
    Ok(())
}

#[tokio::test]
async fn page_of_other_origin_neither_reads_nor_changes_server() -> Result<()> {
    with_foreign_pages(async |ui, port| {
        let before = state(ui).await?;
        for host in [FOREIGN_HOST, "127.0.0.1", "localhost"] {
            let page = format!("http://{host}:{port}/");
            attack(ui, &page, CROSS_ORIGIN, ui.origin()).await?;
        }
        let after = state(ui).await?;
        ensure!(after == before, "{before} became {after}");
        check_script(ui, CROSS_ORIGIN, &before).await
    })
    .await
}

#[tokio::test]
async fn page_after_dns_rebinding_neither_reads_nor_changes_server() -> Result<()> {
    with_foreign_pages(async |ui, _| {
        let before = state(ui).await?;
        let page = ui.origin().replace("127.0.0.1", FOREIGN_HOST);
        attack(ui, &page, SAME_ORIGIN, &page).await?;
        let after = state(ui).await?;
        ensure!(after == before, "{before} became {after}");
        check_script(ui, SAME_ORIGIN, &before).await
    })
    .await
}
