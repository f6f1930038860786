//! Runs tests, each with a server and a browser of its own.

use anyhow::{Context, Result};

use crate::{
    WebUi,
    browser::Browser,
    foreign_page,
    server::{Options, Server},
};

const WITH_DETECTOR: Options = Options {
    has_detector: true,
    has_keys: false,
};

/// Opens the web UI, runs a test, and checks the logs of the browser: no requests to other hosts, and no console errors
/// except those that contain one of the `expected_errors`. The server has no face detector.
///
/// # Errors
/// Returns the failure of the test or of a check, with the content of the page and the logs.
pub async fn with_web_ui(
    expected_errors: &[&str],
    test: impl AsyncFnOnce(&WebUi) -> Result<()>,
) -> Result<()> {
    let server = Server::start(&Options::default())?;
    run_test(server, expected_errors, test).await
}

/// Does the same as [`with_web_ui`] with a server that has a face detector.
///
/// # Errors
/// Returns the errors of [`with_web_ui`], and an error if the detector is not installed.
pub async fn with_detector(test: impl AsyncFnOnce(&WebUi) -> Result<()>) -> Result<()> {
    run_test(Server::start(&WITH_DETECTOR)?, &[], test).await
}

/// Does the same as [`with_web_ui`] with a server that has a face detector and requires an API key, which the test gets.
///
/// # Errors
/// Returns the errors of [`with_detector`].
pub async fn with_keys(
    expected_errors: &[&str],
    test: impl AsyncFnOnce(&WebUi, &str) -> Result<()>,
) -> Result<()> {
    let server = Server::start(&Options {
        has_keys: true,
        ..WITH_DETECTOR
    })?;
    let key = server.key.clone().context("the server has no keys")?;
    run_test(server, expected_errors, async |ui| test(ui, &key).await).await
}

/// Opens the web UI and runs a test with the port of a server of foreign pages. The logs are not checked, because these pages cause
/// errors and requests to other hosts.
///
/// # Errors
/// Returns the failure of the test, with the content of the page and the logs.
pub async fn with_foreign_pages(test: impl AsyncFnOnce(&WebUi, u16) -> Result<()>) -> Result<()> {
    let server = Server::start(&WITH_DETECTOR)?;
    run(server, async |ui| test(ui, foreign_page::serve()?).await).await
}

/// Opens the web UI, runs a test, and checks the logs of the browser.
async fn run_test(
    server: Server,
    expected_errors: &[&str],
    test: impl AsyncFnOnce(&WebUi) -> Result<()>,
) -> Result<()> {
    run(server, async |ui| {
        test(ui).await?;
        ui.check_logs(expected_errors).await
    })
    .await
}

/// Opens the web UI, runs a test, and stops the browser. Adds its state to a failure.
async fn run(server: Server, test: impl AsyncFnOnce(&WebUi) -> Result<()>) -> Result<()> {
    let ui = WebUi {
        server,
        browser: Browser::start().await?,
    };
    let result = async {
        ui.open("").await?;
        test(&ui).await
    };
    let result = result.await;
    let state = if result.is_err() {
        ui.describe().await
    } else {
        String::new()
    };
    let closed = ui.browser.close().await;
    result.with_context(|| state).and(closed)
}
