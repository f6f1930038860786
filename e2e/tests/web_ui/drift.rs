//! Tests of the drift of images in the view of models.

use anyhow::{Result, ensure};
use mien_e2e::with_web_ui;

use crate::{evaluations::evaluate_on, faces::face_base64};

/// Classifies 25 copies of a face, given as base64, in one request and returns the HTTP status.
const CLASSIFY: &str = "
    const images = Array(25).fill(arguments[0])
    const headers = { 'content-type': 'application/json' }
    return fetch('/v1/classify', { method: 'POST', headers, body: JSON.stringify({ images }) }).then(({ status }) => status)";

#[tokio::test]
async fn panel_shows_drift_of_one_repeated_face() -> Result<()> {
    let panel = "article[aria-label=small] .drift";
    with_web_ui(&[], async |ui| {
        ui.click("nav a[href='#models']").await?;
        ui.click("article[aria-label=small] summary").await?;
        let text = ui.text(panel).await?;
        ensure!(text.starts_with("Driftno reference"), "{text}");

        evaluate_on(ui, "small", "repeated").await?;
        // Two windows of 100 faces.
        for _ in 0..8 {
            let status = ui.run(CLASSIFY, &[face_base64("happy")?.into()]).await?;
            ensure!(status == 200, "{status}");
        }
        ui.element("article[aria-label=small] .version > .row .badge.bad")
            .await?;
        let text = ui.text(panel).await?;
        ensure!(
            text.starts_with("DriftdriftCompared with the 105 images of repeated test"),
            "{text}"
        );
        let histograms = format!("return document.querySelectorAll('{panel} svg').length");
        let histograms = ui.run(&histograms, &[]).await?;
        ensure!(histograms == 6, "{histograms}");
        Ok(())
    })
    .await
}
