//! Tests of the web UI while the server cannot be reached, and afterwards.

use anyhow::{Result, ensure};
use mien_e2e::with_web_ui;

use crate::{
    evaluations::evaluate,
    faces::{drop_face, expected_label},
    newest_label,
};

/// Error in the console of a request without a connection.
const NO_CONNECTION: &str = "net::ERR_INTERNET_DISCONNECTED";

#[tokio::test]
async fn failed_image_is_classified_on_second_attempt() -> Result<()> {
    with_web_ui(&[NO_CONNECTION], async |ui| {
        ui.element("#drop-zone").await?;
        ui.set_offline(true).await?;
        drop_face(ui, "happy").await?;
        let error = ui.text(".prediction [role=alert]").await?;
        ensure!(error == "The server cannot be reached.", "{error}");
        ui.click("[aria-label='Try again: happy.png']").await?;
        ui.wait_for("return document.querySelector('.prediction [role=alert]') !== null")
            .await?;
        ui.set_offline(false).await?;
        ui.click("[aria-label='Try again: happy.png']").await?;
        ensure!(newest_label(ui).await? == expected_label("small", "happy")?);
        let cards = "return document.querySelectorAll('.prediction').length";
        ensure!(ui.run(cards, &[]).await? == 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn views_load_when_connection_returns() -> Result<()> {
    with_web_ui(&[NO_CONNECTION], async |ui| {
        let id = evaluate(ui, "small").await?;
        for (fragment, content) in [
            ("#evaluate".to_owned(), "#evaluate"),
            (format!("#evaluate/{id}"), "#accuracy"),
            (format!("#evaluate/compare/{id}/{id}"), ".conclusion"),
            ("#models".to_owned(), ".version .badge"),
            ("#live".to_owned(), ".panels .chart"),
        ] {
            ui.set_offline(true).await?;
            ui.run("location.hash = arguments[0]", &[fragment.into()])
                .await?;
            ui.element("section:not([hidden]) .notice.bad").await?;
            ui.set_offline(false).await?;
            ui.element(content).await?;
            // The notice of a model that cannot be loaded stays.
            ui.wait_for(
                "const notices = [...document.querySelectorAll('section:not([hidden]) .notice.bad')]
                 return notices.every((notice) => !notice.textContent.includes('cannot be reached'))",
            )
            .await?;
        }
        Ok(())
    })
    .await
}
