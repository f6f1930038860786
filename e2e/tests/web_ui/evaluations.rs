//! Tests of evaluations, their reports, and the traffic that they cause.

use anyhow::{Context, Result, ensure};
use mien_e2e::{WebUi, with_web_ui};
use serde_json::json;

use crate::faces::{drop_face, expected_label};

const CLASSES: [&str; 7] = [
    "angry", "disgust", "fear", "happy", "neutral", "sad", "surprise",
];

/// Evaluates a model on the data set with one face per class, and returns the identifier of the evaluation.
pub(crate) async fn evaluate(ui: &WebUi, model: &str) -> Result<String> {
    evaluate_on(ui, model, "faces").await
}

/// Evaluates a model through the API and returns the identifier of the evaluation.
pub(crate) async fn evaluate_on(ui: &WebUi, model: &str, dataset: &str) -> Result<String> {
    let start = "
        const [model, dataset] = arguments
        const body = JSON.stringify({ dataset, model })
        const headers = { 'content-type': 'application/json' }
        return fetch('/v1/evaluations', { method: 'POST', headers, body }).then((response) => response.json())
          .then(({ id }) => id)";
    let id = ui.run(start, &[json!(model), json!(dataset)]).await?;
    let id = id.as_str().context("the evaluation was not created")?;
    ui.wait_for(&format!(
        "return fetch('/v1/evaluations/{id}').then((response) => response.json()).then(({{ status }}) => status === 'succeeded')"
    ))
    .await?;
    Ok(id.to_owned())
}

/// Evaluates two models and returns the address of each report, relative to the origin, with an element that each contains.
pub(crate) async fn reports(ui: &WebUi) -> Result<[(String, &'static str); 4]> {
    let (a, b) = (evaluate(ui, "small").await?, evaluate(ui, "tiny").await?);
    Ok([
        (format!("#evaluate/{a}"), "#accuracy"),
        (format!("#evaluate/compare/{a}/{b}"), ".conclusion"),
        (format!("v1/evaluations/{a}/report?format=html"), ".kicker"),
        (
            format!("v1/evaluations/compare?a={a}&b={b}&format=html"),
            ".kicker",
        ),
    ])
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
async fn live_view_counts_only_images_of_clients() -> Result<()> {
    with_web_ui(&[], async |ui| {
        ui.click("nav a[href='#live']").await?;
        // The first sample is from before the evaluation, the last one from after it.
        ui.element(".panels .chart").await?;
        evaluate(ui, "small").await?;
        // The chart has a line from the second sample on.
        let samples = "(document.querySelector('.panels .chart path.line-1')?.getAttribute('d').match(/[ML]/g)?.length ?? 0)";
        let before = ui.run(&format!("return {samples}"), &[]).await?;
        ui.wait_for(&format!("return {samples} > {before} + 1")).await?;
        // A line is at the bottom of the chart as long as its value is 0.
        let heights = r"
            const path = document.querySelector('.panels .chart path.line-1').getAttribute('d')
            return new Set([...path.matchAll(/[ML][\d.]+ ([\d.]+)/g)].map(([, y]) => y)).size";
        ensure!(ui.run(heights, &[]).await? == 1, "the images of the evaluation are in the chart");
        ui.click("nav a[href='#try']").await?;
        drop_face(ui, "happy").await?;
        ui.click("nav a[href='#live']").await?;
        ui.wait_for(&format!("{heights} > 1")).await?;
        Ok(())
    })
    .await
}
