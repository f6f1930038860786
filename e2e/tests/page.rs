//! What users do on the page, in a real browser. `cargo xtask e2e` runs these.

use std::fs;

use anyhow::{Context, Result, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use fantoccini::{Locator, key::Key};
use mien_e2e::{Page, checkout, on_page};
use serde_json::{Value, json};

const CLASSES: [&str; 7] = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"];

/// What ONNX Runtime's Python package answers for a face of the fixtures.
fn expected(model: &str, class: &str) -> Result<String> {
    let answers: Value =
        serde_json::from_str(&fs::read_to_string(checkout("tests/fixtures/expected.json"))?)?;
    let label = answers[model][class]["label"].as_str();
    Ok(label.with_context(|| format!("{model} {class}"))?.to_owned())
}

/// Drops the picture of a class on the page.
async fn drop_face(page: &Page, class: &str) -> Result<()> {
    let script = "
        const drop = document.getElementById('drop')
        for (const kind of ['dragenter', 'dragover', 'drop']) {
          drop.dispatchEvent(new DragEvent(kind, { dataTransfer: held, bubbles: true, cancelable: true }))
        }";
    with_face(page, class, script).await
}

/// Pastes it.
async fn paste_face(page: &Page, class: &str) -> Result<()> {
    let script = "document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: held, bubbles: true }))";
    with_face(page, class, script).await
}

/// Runs a script that has the picture of a class in `held`, as a browser holds what a user drags or has copied.
async fn with_face(page: &Page, class: &str, script: &str) -> Result<()> {
    let file = fs::read(checkout(&format!("tests/fixtures/faces/{class}.png")))?;
    let script = format!(
        "const bytes = Uint8Array.from(atob(arguments[0]), (c) => c.charCodeAt(0))
         const held = new DataTransfer()
         held.items.add(new File([bytes], arguments[1], {{ type: 'image/png' }}))
         {script}"
    );
    let arguments = [json!(BASE64_STANDARD.encode(file)), json!(format!("{class}.png"))];
    page.element("#drop").await?;
    page.run(&script, &arguments).await.map(drop)
}

/// The label of the newest answer.
async fn label(page: &Page) -> Result<String> {
    page.text(".answer:first-child [data-role=label]").await
}

#[tokio::test]
async fn a_face_that_is_dropped_or_pasted_gets_its_label() -> Result<()> {
    on_page(&[], async |page| {
        drop_face(page, "happy").await?;
        ensure!(label(page).await? == expected("small", "happy")?);
        paste_face(page, "sad").await?;
        page.until("return document.querySelectorAll('[data-role=label]').length === 2").await?;
        ensure!(label(page).await? == expected("small", "sad")?);
        let bars = "return document.querySelectorAll('.answer:first-child dt').length";
        let bars = page.run(bars, &[]).await?;
        ensure!(bars == 7, "{bars}");
        let curl = page.text(".curl code").await?;
        ensure!(curl == format!("curl -F image=@sad.png {}/v1/classify", page.origin()), "{curl}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_evaluation_runs_to_its_end() -> Result<()> {
    let right = CLASSES
        .iter()
        .map(|class| Ok(expected("small", class)? == **class))
        .collect::<Result<Vec<_>>>()?;
    let right = right.into_iter().filter(|right| *right).count();
    on_page(&[], async |page| {
        page.click("nav a[href='#evaluate']").await?;
        page.click("#evaluate").await?;
        let accuracy = page.text("#accuracy").await?;
        ensure!(
            accuracy == format!("{:.2} %", 100.0 * right as f64 / 7.0),
            "{accuracy}, {right} right"
        );
        // Its mistakes are shown with their pictures, and only those.
        page.until(&format!(
            "const faces = [...document.querySelectorAll('.gallery img')]
             faces.forEach((face) => face.scrollIntoView())
             return faces.length === {} && faces.every((face) => face.naturalWidth === 48)",
            7 - right
        ))
        .await?;
        page.click(".back a").await?;
        ensure!(page.text(".list .result strong").await? == accuracy);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_text_file_is_refused_and_told_why() -> Result<()> {
    on_page(&["400 (Bad Request)"], async |page| {
        let choose = page.client().find(Locator::Css("#pictures")).await?;
        choose.send_keys(&checkout("README.md").display().to_string()).await?;
        let notice = page.text(".answer [role=alert]").await?;
        ensure!(notice.contains("not a picture"), "{notice}");
        // The next one is answered all the same.
        drop_face(page, "happy").await?;
        ensure!(label(page).await? == expected("small", "happy")?);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn another_model_answers_once_it_is_chosen() -> Result<()> {
    on_page(&[], async |page| {
        page.until(
            "return document.querySelector('#page-try .choose-model option[value=tiny]') !== null",
        )
        .await?;
        page.element("#page-try .choose-model").await?.select_by_value("tiny").await?;
        drop_face(page, "fear").await?;
        let origin = page.text(".answer footer").await?;
        ensure!(origin.starts_with("tiny v1"), "{origin}");
        ensure!(label(page).await? == expected("tiny", "fear")?);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_face_is_explained_for_any_label() -> Result<()> {
    on_page(&[], async |page| {
        drop_face(page, "happy").await?;
        page.click(".answer footer button[aria-expanded]").await?;
        let words = page.text(".why-text strong").await?;
        ensure!(words == expected("small", "happy")?, "{words}");
        let painted = "
            const map = document.querySelector('canvas.why-map')
            const { data } = map.getContext('2d').getImageData(0, 0, map.width, map.height)
            return [map.width, map.height, data.filter((value, index) => index % 4 === 3 && value > 0).length]";
        let painted = page.run(painted, &[]).await?;
        ensure!(painted[0] == 48 && painted[1] == 48, "{painted}");
        ensure!(painted[2].as_u64().is_some_and(|pixels| pixels > 500), "{painted}");

        page.element(".why select").await?.select_by_value("sad").await?;
        page.until("return document.querySelector('.why-text strong')?.textContent === 'sad'").await?;
        let curl = page.text(".curl code").await?;
        ensure!(curl.contains("/v1/explain?") && curl.contains("label=sad"), "{curl}");
        page.click(".answer footer button[aria-expanded]").await?;
        page.until("return document.querySelector('.why-map') === null").await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_version_is_promoted_if_it_passes() -> Result<()> {
    let card = "article[aria-label=tiny]";
    let badges = format!(
        "[...document.querySelectorAll('{card} .version')].map((part) => part.textContent).join('|')"
    );
    on_page(&[], async |page| {
        page.click("nav a[href='#models']").await?;
        for (percent, outcome) in [("90", "rejected"), ("0", "promoted")] {
            page.click("[aria-label='Promote version 2 of tiny']").await?;
            page.element("dialog select").await?.select_by_value("min_accuracy").await?;
            let number = page.element("dialog input[type=number]").await?;
            number.clear().await?;
            number.send_keys(percent).await?;
            page.click("dialog .primary").await?;
            page.until(&format!("return {badges}.includes('Version 2{outcome}')")).await?;
            let serving = if outcome == "promoted" { 2 } else { 1 };
            let ready = format!("Version {serving}readyservingpinned");
            page.until(&format!("return {badges}.includes('{ready}')")).await?;
        }
        let told = page.text(&format!("{card} details .plain")).await?;
        ensure!(told.ends_with("% of 7 images right; at least 0.00 % were asked for"), "{told}");

        // Back to the policy, which names version 1.
        page.click("[aria-label='Release the pin: tiny']").await?;
        page.client().accept_alert().await?;
        page.until(&format!("return {badges}.includes('Version 1readyserving')")).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn every_page_fits_every_screen() -> Result<()> {
    on_page(&[], async |page| {
        drop_face(page, "neutral").await?;
        label(page).await?;
        for (width, height) in [(390, 844), (820, 1180), (1440, 900)] {
            page.resize(width, height).await?;
            for (name, sign) in [
                ("try", ".answer .bars"),
                ("evaluate", "#evaluate"),
                ("models", ".version .badge"),
                ("live", ".panels .chart"),
            ] {
                page.click(&format!("nav a[href='#{name}']")).await?;
                page.element(&format!("#page-{name} {sign}")).await?;
                let over = "const { scrollWidth, clientWidth } = document.documentElement
                    return scrollWidth - clientWidth";
                let over = page.run(over, &[]).await?;
                ensure!(over == 0, "{name} at {width} is {over} too wide");
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_keyboard_is_enough() -> Result<()> {
    on_page(&[], async |page| {
        let press = async |key: Key| {
            let active = page.client().active_element().await?;
            active.send_keys(&char::from(key).to_string()).await.context("a key")
        };
        // From the top: past the content, the brand and Try, to Evaluate.
        page.element("nav a[href='#evaluate']").await?;
        for _ in 0..4 {
            press(Key::Tab).await?;
        }
        press(Key::Enter).await?;
        // Its heading has the focus then, and is what a screen reader says.
        page.until("return document.activeElement.textContent === 'Evaluate' && document.activeElement.tagName === 'H1'").await?;
        Ok(())
    })
    .await
}
