//! Tests of the web UI in Chromium. `cargo xtask e2e` runs them.

use anyhow::{Context, Result, ensure};
use faces::{drop_face, expected_label, paste_face};
use fantoccini::{Locator, key::Key};
use mien_e2e::{WebUi, repository_path, with_web_ui};

mod faces;

const CLASSES: [&str; 7] = [
    "angry", "disgust", "fear", "happy", "neutral", "sad", "surprise",
];

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
async fn evaluation_shows_accuracy_and_mistakes() -> Result<()> {
    let mut correct = 0;
    for class in CLASSES {
        correct += usize::from(expected_label("small", class)? == class);
    }
    with_web_ui(&[], async |ui| {
        ui.click("nav a[href='#evaluate']").await?;
        ui.click("#evaluate").await?;
        let accuracy = ui.text("#accuracy").await?;
        let expected = format!("{:.2} %", 100.0 * correct as f64 / 7.0);
        ensure!(accuracy == expected, "{accuracy}, expected {expected}");
        // Every wrong prediction is shown with its image, and no other image.
        ui.wait_for(&format!(
            "const faces = [...document.querySelectorAll('.gallery img')]
             faces.forEach((face) => face.scrollIntoView())
             return faces.length === {} && faces.every((face) => face.naturalWidth === 48)",
            7 - correct
        ))
        .await?;
        ui.click(".back a").await?;
        ensure!(ui.text(".list .result strong").await? == accuracy);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn text_file_shows_error_and_next_face_is_classified() -> Result<()> {
    with_web_ui(&["400 (Bad Request)"], async |ui| {
        let input = ui.client().find(Locator::Css("#images")).await?;
        input
            .send_keys(&repository_path("README.md").display().to_string())
            .await?;
        let error = ui.text(".prediction [role=alert]").await?;
        ensure!(
            error.contains("send JPEG, PNG, WebP, BMP or GIF"),
            "{error}"
        );
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

#[tokio::test]
async fn views_fit_phone_tablet_and_desktop() -> Result<()> {
    with_web_ui(&[], async |ui| {
        drop_face(ui, "neutral").await?;
        newest_label(ui).await?;
        for (width, height) in [(390, 844), (820, 1180), (1440, 900)] {
            ui.resize(width, height).await?;
            for (view, content) in [
                ("try", ".prediction .bars"),
                ("evaluate", "#evaluate"),
                ("models", ".version .badge"),
                ("live", ".panels .chart"),
            ] {
                ui.click(&format!("nav a[href='#{view}']")).await?;
                ui.element(&format!("#view-{view} {content}")).await?;
                let excess = "const { scrollWidth, clientWidth } = document.documentElement
                    return scrollWidth - clientWidth";
                let excess = ui.run(excess, &[]).await?;
                ensure!(excess == 0, "{view} is {excess} px too wide at {width} px");
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn keyboard_navigation_focuses_heading_of_view() -> Result<()> {
    with_web_ui(&[], async |ui| {
        let press = async |key: Key| {
            let active = ui.client().active_element().await?;
            active.send_keys(&char::from(key).to_string()).await.context("cannot press a key")
        };
        ui.element("nav a[href='#evaluate']").await?;
        // The links "Skip to content", "mien", "Try" and "Evaluate".
        for _ in 0..4 {
            press(Key::Tab).await?;
        }
        press(Key::Enter).await?;
        // A screen reader announces the focused heading.
        ui.wait_for("return document.activeElement.textContent === 'Evaluate' && document.activeElement.tagName === 'H1'")
            .await?;
        Ok(())
    })
    .await
}
