//! Tests of a server that requires API keys. Browsers do not send the headers of a page with images, links and WebSockets.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use mien_e2e::{WebUi, with_keys};
use tokio::time::{sleep, timeout};

/// Maximum time of a download.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Error in the console of a request without a key.
const NO_KEY: &str = "401 (Unauthorized)";

async fn enter_key(ui: &WebUi, key: &str) -> Result<()> {
    ui.element("#token").await?.send_keys(key).await?;
    ui.click("dialog .primary").await
}

/// Returns the content of a file that the browser saves.
async fn downloaded(path: &Path) -> Result<String> {
    let exists = async {
        while !path.exists() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    let missing = || format!("the browser did not save {}", path.display());
    timeout(TIMEOUT, exists).await.with_context(missing)?;
    Ok(fs::read_to_string(path)?)
}

#[tokio::test]
async fn evaluation_has_events_images_and_files() -> Result<()> {
    with_keys(&[NO_KEY], async |ui, key| {
        enter_key(ui, key).await?;
        ui.click("nav a[href='#evaluate']").await?;
        ui.click("#evaluate").await?;
        ui.element("#accuracy").await?;
        let id = ui.run("return location.hash.split('/').at(-1)", &[]).await?;
        let events = "
            const statuses = []
            const end = (data) => statuses.push(JSON.parse(data).status)
            return import('/web/events.js')
              .then(({ receiveEvents }) => receiveEvents(`v1/evaluations/${arguments[0]}/events`, { end }))
              .then(() => statuses.join())";
        let statuses = ui.run(events, std::slice::from_ref(&id)).await?;
        ensure!(statuses == "succeeded", "{statuses}");
        ui.wait_for(
            "const faces = [...document.querySelectorAll('.gallery img')]
             faces.forEach((face) => face.scrollIntoView())
             return faces.length > 0 && faces.every((face) => face.naturalWidth === 48)",
        )
        .await?;

        let directory = tempfile::tempdir()?;
        ui.save_downloads(directory.path()).await?;
        let id = id.as_str().context("the address has no identifier")?;
        ui.click("a[href$='/report?format=html']").await?;
        let report = downloaded(&directory.path().join(format!("{id}.html"))).await?;
        ensure!(report.starts_with("<!DOCTYPE html>"), "{report}");
        ui.click("a[href$='/predictions']").await?;
        let predictions = downloaded(&directory.path().join(format!("{id}.csv"))).await?;
        ensure!(predictions.lines().count() == 8, "{predictions}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn camera_asks_for_missing_key() -> Result<()> {
    // The page cannot read the response to a handshake, so it sends the same request without a handshake.
    let errors = [NO_KEY, "HTTP Authentication failed", "400 (Bad Request)"];
    with_keys(&errors, async |ui, key| {
        enter_key(ui, key).await?;
        // The page has sent all its first requests.
        ui.wait_for(
            r"const requests = performance.getEntriesByType('resource')
              return requests.some(({ name, responseStatus }) => /models\/./.test(name) && responseStatus === 200)",
        )
        .await?;
        ui.click("#use-camera").await?;
        // The page also asks for the key when it reads the models again, so the camera must start at once.
        let start = "sessionStorage.clear(); document.querySelector('.camera .primary').click()";
        ui.run(start, &[]).await?;
        enter_key(ui, key).await?;
        ui.wait_for("return document.querySelectorAll('.live-face .bars').length === 1")
            .await?;
        Ok(())
    })
    .await
}
