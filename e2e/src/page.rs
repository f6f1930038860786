//! The page as a user has it before them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use fantoccini::{Client, Locator, elements::Element, error::CmdError};
use serde_json::{Value, json};

use crate::{
    browser::Browser,
    log::{check_console, check_requests, requests},
    server::Server,
};

/// How long anything may take: far more than it does, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(50);

/// The page in a browser, and the server that it comes from.
pub struct Page {
    server: Server,
    browser: Browser,
}

/// Opens the page, runs a case, and checks what the browser has seen meanwhile: no request to another host, and no error in
/// its console but those that hold one of the `expected` words.
///
/// # Errors
/// What the case or a check finds, with the server's log.
pub async fn on_page(expected: &[&str], case: impl AsyncFnOnce(&Page) -> Result<()>) -> Result<()> {
    let page = Page { server: Server::start()?, browser: Browser::start().await? };
    let mut result = page.open("").await;
    if result.is_ok() {
        result = case(&page).await;
    }
    if result.is_ok() {
        result = page.check(expected).await;
    }
    let seen = if result.is_err() { page.describe().await } else { String::new() };
    let closed = page.browser.close().await;
    result.with_context(|| seen).and(closed)
}

impl Page {
    /// Goes to the page, at a fragment such as `#evaluate`.
    ///
    /// # Errors
    /// When the browser fails.
    pub async fn open(&self, fragment: &str) -> Result<()> {
        self.client().goto(&format!("{}/{fragment}", self.server.origin)).await?;
        Ok(())
    }

    /// The browser.
    pub fn client(&self) -> &Client {
        &self.browser.client
    }

    /// Where the server is: `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> &str {
        &self.server.origin
    }

    /// Waits until a script gives something, and returns it.
    ///
    /// # Errors
    /// When it never does.
    pub async fn until(&self, script: &str) -> Result<Value> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let value = self.run(script, &[]).await?;
            if !matches!(value, Value::Null | Value::Bool(false)) {
                return Ok(value);
            }
            tokio::time::sleep(LOOK).await;
        }
        bail!("never came true: {script}")
    }

    /// Runs a script with arguments.
    ///
    /// # Errors
    /// When it fails.
    pub async fn run(&self, script: &str, arguments: &[Value]) -> Result<Value> {
        let result = self.client().execute(script, arguments.to_vec()).await;
        result.with_context(|| format!("the script {script}"))
    }

    /// Waits for an element that is shown.
    ///
    /// # Errors
    /// When there never is one.
    pub async fn element(&self, css: &str) -> Result<Element> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let wait = self.client().wait().at_most(PATIENCE).every(LOOK);
            let found = wait.for_element(Locator::Css(css)).await;
            let element = found.with_context(|| css.to_owned())?;
            match element.is_displayed().await {
                Ok(true) => return Ok(element),
                Ok(false) => {}
                // The page has drawn it anew meanwhile.
                Err(error) if error.is_stale_element_reference() => {}
                Err(error) => return Err(error).with_context(|| css.to_owned()),
            }
            tokio::time::sleep(LOOK).await;
        }
        bail!("{css} is never shown")
    }

    /// Waits for an element, scrolls to it as a user would, and clicks it.
    ///
    /// # Errors
    /// As [`Self::element`].
    pub async fn click(&self, css: &str) -> Result<()> {
        let start = Instant::now();
        loop {
            let element = self.element(css).await?;
            match self.scroll_and_click(&element).await {
                Err(error) if error.is_stale_element_reference() && start.elapsed() < PATIENCE => {}
                result => return result.with_context(|| format!("click on {css}")),
            }
        }
    }

    async fn scroll_and_click(&self, element: &Element) -> Result<(), CmdError> {
        let shown = "arguments[0].scrollIntoView({ block: 'center' })";
        self.client().execute(shown, vec![serde_json::to_value(element)?]).await?;
        element.click().await
    }

    /// Waits for an element with text, and returns that with plain spaces.
    ///
    /// # Errors
    /// As [`Self::until`].
    pub async fn text(&self, css: &str) -> Result<String> {
        let script = format!("return document.querySelector({})?.textContent", json!(css));
        let text = self.until(&format!("{script} || null")).await?;
        Ok(text.as_str().unwrap_or_default().replace('\u{a0}', " "))
    }

    /// Lets the browser have another size, as a phone has it where it is narrow.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn resize(&self, width: u32, height: u32) -> Result<()> {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.browser.devtools("Emulation.setDeviceMetricsOverride", metrics).await.map(drop)
    }

    async fn check(&self, expected: &[&str]) -> Result<()> {
        check_requests(&requests(&self.browser.log("performance").await?), self.origin())?;
        check_console(&self.browser.log("browser").await?, expected)
    }

    /// What a failure is told with.
    async fn describe(&self) -> String {
        let page = self.run("return document.body.innerText", &[]).await;
        let page = page.ok().and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default();
        let console = self.browser.log("browser").await.unwrap_or_default();
        format!("the page:\n{page}\nthe console:\n{console}\nthe server:\n{}", self.server.log())
    }
}
