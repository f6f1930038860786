//! The fixture faces: dropping and pasting them, and their expected labels.

use std::fs;

use anyhow::{Context, Result};
use base64::{Engine, prelude::BASE64_STANDARD};
use mien_e2e::{WebUi, repository_path};
use serde_json::{Value, json};

/// Returns the label that ONNX Runtime's Python package predicts for a fixture face.
pub(crate) fn expected_label(model: &str, class: &str) -> Result<String> {
    let path = repository_path("tests/fixtures/expected.json");
    let predictions: Value = serde_json::from_str(&fs::read_to_string(path)?)?;
    let label = predictions[model][class]["label"].as_str();
    Ok(label
        .with_context(|| format!("no expected label of {model} for {class}"))?
        .to_owned())
}

/// Returns the file of the fixture face of a class as base64.
pub(crate) fn face_base64(class: &str) -> Result<String> {
    let path = format!("tests/fixtures/faces/{class}.png");
    Ok(BASE64_STANDARD.encode(fs::read(repository_path(&path))?))
}

/// Drops the fixture face of a class on the web UI.
pub(crate) async fn drop_face(ui: &WebUi, class: &str) -> Result<()> {
    drop_faces(ui, &[class]).await
}

/// Drops the fixture faces of several classes at once.
pub(crate) async fn drop_faces(ui: &WebUi, classes: &[&str]) -> Result<()> {
    turn_on_one_face(ui).await?;
    drop_images(ui, classes).await
}

/// Turns on the switch "This image is one face".
pub(crate) async fn turn_on_one_face(ui: &WebUi) -> Result<()> {
    ui.element("#one-face").await?;
    let script = "if (!document.getElementById('one-face').checked) document.getElementById('one-face').click()";
    ui.run(script, &[]).await.map(drop)
}

/// A JavaScript function that drops the files of a `DataTransfer` on the web UI.
pub(crate) const DROP: &str = "
    const drop = (data) => {
      const zone = document.getElementById('drop-zone')
      for (const type of ['dragenter', 'dragover', 'drop']) {
        zone.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }))
      }
    }";

/// Drops the fixture faces of several classes at once and does not change the switch.
pub(crate) async fn drop_images(ui: &WebUi, classes: &[&str]) -> Result<()> {
    run_with_faces(ui, classes, &format!("{DROP}; drop(data)")).await
}

/// Pastes the fixture face of a class.
pub(crate) async fn paste_face(ui: &WebUi, class: &str) -> Result<()> {
    turn_on_one_face(ui).await?;
    let script = "document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true }))";
    run_with_faces(ui, &[class], script).await
}

/// Runs a script in which `data` is a `DataTransfer` with the fixture faces of classes.
pub(crate) async fn run_with_faces(ui: &WebUi, classes: &[&str], script: &str) -> Result<()> {
    let files = classes
        .iter()
        .map(|class| Ok(json!([format!("{class}.png"), face_base64(class)?])));
    let files: Vec<Value> = files.collect::<Result<_>>()?;
    let script = format!(
        "const data = new DataTransfer()
         for (const [name, content] of arguments[0]) {{
           const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0))
           data.items.add(new File([bytes], name, {{ type: 'image/png' }}))
         }}
         {script}"
    );
    ui.element("#drop-zone").await?;
    ui.run(&script, &[files.into()]).await.map(drop)
}
