//! The web UI in a browser, and the actions of a user.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use fantoccini::{Client, Locator, elements::Element, error::CmdError};
use serde_json::{Value, json};

use crate::{
    browser::Browser,
    log::{check_console, check_requests, request_urls},
    server::Server,
};

/// Maximum time for any condition, far more than the slowest machine needs.
const TIMEOUT: Duration = Duration::from_secs(120);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The web UI in a browser, and its server.
pub struct WebUi {
    pub(crate) server: Server,
    pub(crate) browser: Browser,
}

impl WebUi {
    /// Opens the web UI at a fragment such as `#evaluate`.
    ///
    /// # Errors
    /// Returns an error of the browser.
    pub async fn open(&self, fragment: &str) -> Result<()> {
        self.client()
            .goto(&format!("{}/{fragment}", self.server.origin))
            .await?;
        Ok(())
    }

    /// Returns the WebDriver client.
    pub fn client(&self) -> &Client {
        &self.browser.client
    }

    /// Returns the origin of the server: `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> &str {
        &self.server.origin
    }

    /// Waits until a script returns a value other than null and false, and returns that value.
    ///
    /// # Errors
    /// Returns an error after `TIMEOUT`, or if the script fails.
    pub async fn wait_for(&self, script: &str) -> Result<Value> {
        let start = Instant::now();
        while start.elapsed() < TIMEOUT {
            let value = self.run(script, &[]).await?;
            if !matches!(value, Value::Null | Value::Bool(false)) {
                return Ok(value);
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        bail!("the script returned null or false for {TIMEOUT:?}: {script}")
    }

    /// Runs a script with arguments.
    ///
    /// # Errors
    /// Returns an error if the script fails.
    pub async fn run(&self, script: &str, arguments: &[Value]) -> Result<Value> {
        let result = self.client().execute(script, arguments.to_vec()).await;
        result.with_context(|| format!("the script failed: {script}"))
    }

    /// Waits until an element is displayed, and returns it.
    ///
    /// # Errors
    /// Returns an error after `TIMEOUT`.
    pub async fn element(&self, css: &str) -> Result<Element> {
        let start = Instant::now();
        while start.elapsed() < TIMEOUT {
            let wait = self.client().wait().at_most(TIMEOUT).every(POLL_INTERVAL);
            let found = wait.for_element(Locator::Css(css)).await;
            let element = found.with_context(|| format!("no element matches {css}"))?;
            match element.is_displayed().await {
                Ok(true) => return Ok(element),
                Ok(false) => {}
                // The view was rendered again in the meantime.
                Err(error) if error.is_stale_element_reference() => {}
                Err(error) => return Err(error).with_context(|| css.to_owned()),
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        bail!("{css} was not displayed within {TIMEOUT:?}")
    }

    /// Waits for an element, scrolls to it, and clicks it.
    ///
    /// # Errors
    /// Returns the errors of [`Self::element`].
    pub async fn click(&self, css: &str) -> Result<()> {
        let start = Instant::now();
        loop {
            let element = self.element(css).await?;
            match self.scroll_and_click(&element).await {
                Err(error) if error.is_stale_element_reference() && start.elapsed() < TIMEOUT => {}
                result => return result.with_context(|| format!("cannot click on {css}")),
            }
        }
    }

    async fn scroll_and_click(&self, element: &Element) -> Result<(), CmdError> {
        let script = "arguments[0].scrollIntoView({ block: 'center' })";
        self.client()
            .execute(script, vec![serde_json::to_value(element)?])
            .await?;
        element.click().await
    }

    /// Waits until an element has text, and returns the text with plain spaces.
    ///
    /// # Errors
    /// Returns the errors of [`Self::wait_for`].
    pub async fn text(&self, css: &str) -> Result<String> {
        let script = format!(
            "return document.querySelector({})?.textContent || null",
            json!(css)
        );
        let text = self.wait_for(&script).await?;
        Ok(text.as_str().unwrap_or_default().replace('\u{a0}', " "))
    }

    /// Changes the size of the viewport, in px. Widths below 600 emulate a phone.
    ///
    /// # Errors
    /// Returns an error of the browser.
    pub async fn resize(&self, width: u32, height: u32) -> Result<()> {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.browser
            .devtools("Emulation.setDeviceMetricsOverride", metrics)
            .await
            .map(drop)
    }

    /// Lets the browser save files in a directory.
    ///
    /// # Errors
    /// Returns an error of the browser.
    pub async fn save_downloads(&self, directory: &Path) -> Result<()> {
        let settings = json!({"behavior": "allow", "downloadPath": directory});
        self.browser
            .devtools("Browser.setDownloadBehavior", settings)
            .await
            .map(drop)
    }

    /// Disconnects the browser from the server, or connects it again.
    ///
    /// # Errors
    /// Returns an error of the browser.
    pub async fn set_offline(&self, offline: bool) -> Result<()> {
        // -1 means no limit.
        let conditions = json!({
            "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1,
        });
        self.browser
            .devtools("Network.emulateNetworkConditions", conditions)
            .await
            .map(drop)
    }

    /// Checks the logs of the browser.
    pub(crate) async fn check_logs(&self, expected_errors: &[&str]) -> Result<()> {
        check_requests(
            &request_urls(&self.browser.log("performance").await?),
            self.origin(),
        )?;
        check_console(&self.browser.log("browser").await?, expected_errors)
    }

    /// Describes the state of the browser and the server for a failure message.
    pub(crate) async fn describe(&self) -> String {
        let text = self.run("return document.body.innerText", &[]).await;
        let text = text
            .ok()
            .and_then(|text| text.as_str().map(str::to_owned))
            .unwrap_or_default();
        let console = self.browser.log("browser").await.unwrap_or_default();
        format!(
            "page:\n{text}\nconsole:\n{console}\nserver log:\n{}",
            self.server.log()
        )
    }
}
