//! Tests of the report of a shadow in the view of models.

use anyhow::{Result, ensure};
use mien_e2e::with_web_ui;

use crate::faces::face_base64;

/// Starts a shadow, classifies 25 copies of a face, given as base64, and waits until they are compared.
const COMPARE: &str = "
    const headers = { 'content-type': 'application/json' }
    const post = (path, body) => fetch(path, { method: 'POST', headers, body: JSON.stringify(body) })
    const compared = async () => {
      const { images } = await (await fetch('/v1/models/small/shadow')).json()
      return images.compared === 25 || compared()
    }
    return post('/v1/models/small/shadow', { candidate: 'tiny@2', share: 1 })
      .then(() => post('/v1/classify?model=small', { images: Array(25).fill(arguments[0]) }))
      .then(compared)";

#[tokio::test]
async fn panel_shows_agreement_with_candidate() -> Result<()> {
    with_web_ui(&[], async |ui| {
        ui.run(COMPARE, &[face_base64("happy")?.into()]).await?;
        ui.click("nav a[href='#models']").await?;
        let text = ui.text("article[aria-label=small] .shadow").await?;
        ensure!(
            text.starts_with("ShadowrunningCandidate tiny@2, compared with version 1 on 100"),
            "{text}"
        );
        ensure!(text.contains("25 compared, 0 failed, 0 dropped"), "{text}");
        ensure!(text.contains("100.00 % (95 % interval"), "{text}");
        Ok(())
    })
    .await
}
