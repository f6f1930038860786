//! Tests of photos with several faces or without a face. The photos consist of enlarged fixture faces at known places.

use anyhow::{Result, ensure};
use fantoccini::key::Key;
use mien_e2e::{WebUi, with_detector, with_web_ui};
use serde_json::json;

use crate::{
    faces::{DROP, drop_images, expected_label, run_with_faces},
    newest_label,
};

/// Faces of the photo: class, and left edge, top edge and side in px.
const FACES: [(&str, [u32; 3]); 2] = [("happy", [40, 120, 192]), ("surprise", [400, 200, 144])];

/// Drops `photo.png`, which has 640x480 pixels and the faces `FACES`, the larger one first.
pub(crate) async fn drop_photo(ui: &WebUi) -> Result<()> {
    let classes = FACES.map(|(class, _)| class);
    let places = json!(FACES.map(|(_, place)| place));
    drop_drawing(ui, &classes, &places.to_string()).await
}

/// Drops a photo of 640x480 pixels without a face.
async fn drop_photo_without_face(ui: &WebUi) -> Result<()> {
    drop_drawing(ui, &[], "[]").await
}

/// Drops a gray image with fixture faces. `places` is a JSON array with left edge, top edge and side of each face.
async fn drop_drawing(ui: &WebUi, classes: &[&str], places: &str) -> Result<()> {
    let script = format!(
        "{DROP}
         const draw = async () => {{
           const canvas = new OffscreenCanvas(640, 480)
           const context = canvas.getContext('2d')
           context.fillStyle = '#808080'
           context.fillRect(0, 0, 640, 480)
           const faces = await Promise.all([...data.files].map((file) => createImageBitmap(file)))
           const places = {places}
           places.forEach(([left, top, side], index) => context.drawImage(faces[index], left, top, side, side))
           const photo = new DataTransfer()
           photo.items.add(new File([await canvas.convertToBlob()], 'photo.png', {{ type: 'image/png' }}))
           drop(photo)
         }}
         return draw()"
    );
    run_with_faces(ui, classes, &script).await
}

/// Waits until the photo has been classified.
pub(crate) async fn wait_for_faces(ui: &WebUi) -> Result<()> {
    let script = format!(
        "return document.querySelectorAll('.faces .bars').length === {}",
        FACES.len()
    );
    ui.wait_for(&script).await.map(drop)
}

#[tokio::test]
async fn photo_shows_box_crop_and_bars_per_face() -> Result<()> {
    with_detector(async |ui| {
        drop_photo(ui).await?;
        wait_for_faces(ui).await?;
        // The centres of the boxes, in pixels of the photo.
        let centres = "
            const photo = document.querySelector('.photo img').getBoundingClientRect()
            return [...document.querySelectorAll('.face-box')].map((box) => {
              const { left, top, width, height } = box.getBoundingClientRect()
              const scale = 640 / photo.width
              return [(left + width / 2 - photo.left) * scale, (top + height / 2 - photo.top) * scale]
            })";
        let centres = ui.run(centres, &[]).await?;
        for (index, (class, [left, top, side])) in FACES.into_iter().enumerate() {
            for (axis, start) in [left, top].into_iter().enumerate() {
                let centre = centres[index][axis].as_f64().unwrap_or_default();
                let distance = (centre - f64::from(start + side / 2)).abs();
                ensure!(distance < f64::from(side / 4), "{class}: {centres}");
            }
        }
        // Every crop shows the face, not only the gray background.
        let levels = "
            return [...document.querySelectorAll('.faces canvas.crop')].every((canvas) => {
              const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
              return canvas.width > 100 && new Set(data).size > 50
            })";
        ensure!(ui.run(levels, &[]).await? == true, "a crop is empty");
        ensure!(ui.text(".photo h2").await? == "2 faces");
        let curl = ui.text(".curl code").await?;
        let expected = format!("curl -F image=@photo.png {}/v1/faces", ui.origin());
        ensure!(curl == expected, "{curl}, expected {expected}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn box_moves_keyboard_focus_to_its_face() -> Result<()> {
    with_detector(async |ui| {
        drop_photo(ui).await?;
        wait_for_faces(ui).await?;
        ui.run("document.querySelectorAll('.face-box')[0].focus()", &[])
            .await?;
        for key in [Key::Tab, Key::Enter] {
            let active = ui.client().active_element().await?;
            active.send_keys(&char::from(key).to_string()).await?;
        }
        ui.wait_for(
            "return document.activeElement.getAttribute('aria-label') === 'face 2 of photo.png'",
        )
        .await?;
        let highlighted =
            "return document.querySelector('.face-box.highlighted').getAttribute('aria-label')";
        let highlighted = ui.run(highlighted, &[]).await?;
        ensure!(
            highlighted
                .as_str()
                .is_some_and(|name| name.starts_with("Face 2: ")),
            "{highlighted}"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn explanation_of_face_sends_its_box() -> Result<()> {
    with_detector(async |ui| {
        drop_photo(ui).await?;
        wait_for_faces(ui).await?;
        ui.click(".faces li:nth-child(2) footer button").await?;
        ui.text(".faces li:nth-child(2) .explanation-text strong")
            .await?;
        let curl = ui.text(".curl code").await?;
        ensure!(
            curl.contains("/v1/explain?") && curl.contains("&box="),
            "{curl}"
        );
        let map = "
            const map = document.querySelector('.faces li:nth-child(2) canvas.saliency-map')
            const { data } = map.getContext('2d').getImageData(0, 0, map.width, map.height)
            return data.filter((value, index) => index % 4 === 3 && value > 0).length";
        let pixels = ui.run(map, &[]).await?;
        ensure!(
            pixels.as_u64().is_some_and(|pixels| pixels > 500),
            "{pixels}"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn photo_without_face_is_classified_as_one_face_on_request() -> Result<()> {
    with_detector(async |ui| {
        drop_photo_without_face(ui).await?;
        ensure!(ui.text(".photo h2").await? == "No face found");
        ui.click(".photo .one-face").await?;
        newest_label(ui).await?;
        let curl = ui.text(".curl code").await?;
        ensure!(curl.ends_with("/v1/classify"), "{curl}");
        // The other images are still searched for faces.
        let is_on = "return document.getElementById('one-face').checked";
        ensure!(ui.run(is_on, &[]).await? == false);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn switch_stays_on_when_user_returns_to_view() -> Result<()> {
    with_detector(async |ui| {
        ui.click("label[for=one-face]").await?;
        ui.click("nav a[href='#models']").await?;
        ui.click("nav a[href='#try']").await?;
        drop_images(ui, &["happy"]).await?;
        ensure!(newest_label(ui).await? == expected_label("small", "happy")?);
        let photos = "return document.querySelectorAll('.photo').length";
        ensure!(ui.run(photos, &[]).await? == 0);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn missing_detector_is_reported_and_switch_is_turned_on() -> Result<()> {
    with_web_ui(&["503 (Service Unavailable)"], async |ui| {
        drop_images(ui, &["happy", "sad"]).await?;
        ui.element(".missing-detector").await?;
        ui.wait_for("return document.querySelectorAll('[data-role=label]').length === 2")
            .await?;
        ensure!(newest_label(ui).await? == expected_label("small", "happy")?);
        let is_on = "return document.getElementById('one-face').checked";
        ensure!(ui.run(is_on, &[]).await? == true);
        Ok(())
    })
    .await
}
