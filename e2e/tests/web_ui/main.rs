//! Tests of the web UI in Chromium. `cargo xtask e2e` runs them.

use anyhow::{Result, ensure};
use faces::{drop_face, drop_faces, expected_label, paste_face, turn_on_one_face};
use fantoccini::Locator;
use mien_e2e::{WebUi, repository_path, with_web_ui};

mod camera;
mod drift;
mod evaluations;
mod faces;
mod foreign_pages;
mod keys;
mod layout;
mod photos;
mod recovery;
mod shadow;

/// Returns the label of the newest prediction.
async fn newest_label(ui: &WebUi) -> Result<String> {
    ui.text(".prediction:first-child [data-role=label]").await
}

#[tokio::test]
async fn dropped_and_pasted_faces_are_classified() -> Result<()> {
    with_web_ui(&[], async |ui| {
        drop_face(ui, "happy").await?;
        ensure!(newest_label(ui).await? == expected_label("small", "happy")?);
        paste_face(ui, "sad").await?;
        ui.wait_for("return document.querySelectorAll('[data-role=label]').length === 2")
            .await?;
        ensure!(newest_label(ui).await? == expected_label("small", "sad")?);
        let bars = "return document.querySelectorAll('.prediction:first-child dt').length";
        let bars = ui.run(bars, &[]).await?;
        ensure!(bars == 7, "{bars}");
        let curl = ui.text(".curl code").await?;
        ensure!(
            curl == format!("curl -F image=@sad.png {}/v1/classify", ui.origin()),
            "{curl}"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn card_shows_inference_time_of_request() -> Result<()> {
    // The time of the newest request, as the browser parses its `Server-Timing` header.
    let time = "
        const requests = performance.getEntriesByType('resource').filter(({ name }) => name.includes('/v1/classify'))
        return requests.at(-1).serverTiming.find(({ name }) => name === 'inference').duration.toFixed(1)";
    with_web_ui(&[], async |ui| {
        drop_faces(ui, &["happy"]).await?;
        newest_label(ui).await?;
        let time_of_one = ui.run(time, &[]).await?;
        let footer = ui.text(".prediction footer .dim").await?;
        let expected = format!(
            "small v1 · {} ms inference",
            time_of_one.as_str().unwrap_or_default()
        );
        ensure!(footer == expected, "{footer}, expected {expected}");
        drop_faces(ui, &["sad", "fear"]).await?;
        newest_label(ui).await?;
        let time_of_two = ui.run(time, &[]).await?;
        let footer = ui.text(".prediction footer .dim").await?;
        let expected = format!(
            "small v1 · {} ms inference, 2 images",
            time_of_two.as_str().unwrap_or_default()
        );
        ensure!(footer == expected, "{footer}, expected {expected}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn text_file_shows_error_and_next_face_is_classified() -> Result<()> {
    with_web_ui(&["400 (Bad Request)"], async |ui| {
        turn_on_one_face(ui).await?;
        let input = ui.client().find(Locator::Css("#images")).await?;
        input
            .send_keys(&repository_path("README.md").display().to_string())
            .await?;
        let error = ui.text(".prediction [role=alert]").await?;
        ensure!(
            error.contains("send JPEG, PNG, WebP, BMP or GIF"),
            "{error}"
        );
        // Another attempt would fail in the same way.
        ensure!(ui.text(".prediction footer").await? == "README.mdRemove");
        drop_face(ui, "happy").await?;
        ensure!(newest_label(ui).await? == expected_label("small", "happy")?);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn selected_model_classifies() -> Result<()> {
    with_web_ui(&[], async |ui| {
        let select = "#view-try .model-select";
        ui.wait_for(&format!(
            "return document.querySelector('{select} option[value=tiny]') !== null"
        ))
        .await?;
        ui.element(select).await?.select_by_value("tiny").await?;
        drop_face(ui, "fear").await?;
        let footer = ui.text(".prediction footer").await?;
        ensure!(footer.starts_with("tiny v1"), "{footer}");
        ensure!(newest_label(ui).await? == expected_label("tiny", "fear")?);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn explanation_shows_saliency_map_for_selected_label() -> Result<()> {
    with_web_ui(&[], async |ui| {
        let toggle = ".prediction footer button[aria-expanded]";
        drop_face(ui, "happy").await?;
        ui.click(toggle).await?;
        let label = ui.text(".explanation-text strong").await?;
        ensure!(label == expected_label("small", "happy")?, "{label}");
        let painted = "
            const map = document.querySelector('canvas.saliency-map')
            const { data } = map.getContext('2d').getImageData(0, 0, map.width, map.height)
            return [map.width, map.height, data.filter((value, index) => index % 4 === 3 && value > 0).length]";
        let painted = ui.run(painted, &[]).await?;
        ensure!(painted[0] == 48 && painted[1] == 48, "{painted}");
        ensure!(painted[2].as_u64().is_some_and(|pixels| pixels > 500), "{painted}");

        ui.element(".explanation select").await?.select_by_value("sad").await?;
        ui.wait_for("return document.querySelector('.explanation-text strong')?.textContent === 'sad'")
            .await?;
        let curl = ui.text(".curl code").await?;
        ensure!(curl.contains("/v1/explain?") && curl.contains("label=sad"), "{curl}");
        ui.click(toggle).await?;
        ui.wait_for("return document.querySelector('.saliency-map') === null").await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn promotion_switches_version_only_if_it_passes() -> Result<()> {
    let card = "article[aria-label=tiny]";
    let versions = format!(
        "[...document.querySelectorAll('{card} .version')].map((part) => part.textContent).join('|')"
    );
    with_web_ui(&[], async |ui| {
        ui.click("nav a[href='#models']").await?;
        for (percent, outcome) in [("90", "rejected"), ("0", "promoted")] {
            ui.click("[aria-label='Promote version 2 of tiny']").await?;
            ui.element("dialog select")
                .await?
                .select_by_value("min_accuracy")
                .await?;
            let number = ui.element("dialog input[type=number]").await?;
            number.clear().await?;
            number.send_keys(percent).await?;
            ui.click("dialog .primary").await?;
            ui.wait_for(&format!("return {versions}.includes('Version 2{outcome}')"))
                .await?;
            let serving = if outcome == "promoted" { 2 } else { 1 };
            let badges = format!("Version {serving}readyservingpinned");
            ui.wait_for(&format!("return {versions}.includes('{badges}')"))
                .await?;
        }
        let reason = ui.text(&format!("{card} details .plain")).await?;
        ensure!(reason.contains("7 images"), "{reason}");
        // The version policy of the server selects version 1.
        ui.click("[aria-label='Unpin: tiny']").await?;
        ui.client().accept_alert().await?;
        ui.wait_for(&format!(
            "return {versions}.includes('Version 1readyserving')"
        ))
        .await?;
        Ok(())
    })
    .await
}
