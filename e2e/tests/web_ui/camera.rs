//! Tests of the camera. The camera of the browser shows a photo of one face.

use anyhow::{Result, ensure};
use mien_e2e::{WebUi, with_detector, with_web_ui};

use crate::{faces::turn_on_one_face, newest_label};

#[tokio::test]
async fn camera_starts_after_notice_and_stops_when_closed() -> Result<()> {
    with_web_ui(&[], async |ui| {
        turn_on_one_face(ui).await?;
        // Records the requests for the camera.
        let spy = "
            window.streams = []
            const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
            navigator.mediaDevices.getUserMedia = async (options) => {
              const stream = await open(options)
              window.streams.push(stream)
              return stream
            }";
        ui.run(spy, &[]).await?;
        ui.click("#use-camera").await?;
        let notice = ui.text("#camera-notice").await?;
        let host = ui.origin().trim_start_matches("http://");
        ensure!(
            notice.contains(host) && notice.contains("does not store"),
            "{notice}"
        );
        let streams = ui.run("return window.streams.length", &[]).await?;
        ensure!(streams == 0, "the camera was opened before the notice");

        ui.click(".camera .primary").await?;
        ui.wait_for("return document.querySelector('.camera video')?.videoWidth > 0")
            .await?;
        ui.click(".camera .primary").await?;
        newest_label(ui).await?;
        ui.click(".camera .primary + button").await?;
        let states = "return window.streams.flatMap((stream) => stream.getTracks()).map(({ readyState }) => readyState).join()";
        ensure!(ui.run(states, &[]).await? == "ended");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn page_without_https_names_requirement_of_camera() -> Result<()> {
    with_web_ui(&[], async |ui| {
        // The pages of the tests are on localhost, which is secure.
        let insecure = "Object.defineProperty(window, 'isSecureContext', { value: false })";
        ui.run(insecure, &[]).await?;
        ui.click("#use-camera").await?;
        let notice = ui.text(".camera .notice").await?;
        ensure!(notice.contains("HTTPS or localhost only"), "{notice}");
        ensure!(
            ui.run("return document.querySelector('video') === null", &[])
                .await?
                == true
        );
        Ok(())
    })
    .await
}

/// Opens the camera and returns the text of the notice.
async fn start_camera(ui: &WebUi) -> Result<String> {
    ui.click("#use-camera").await?;
    let notice = ui.text("#camera-notice").await?;
    ui.click(".camera .primary").await?;
    Ok(notice)
}

#[tokio::test]
async fn live_camera_shows_box_bars_and_rate() -> Result<()> {
    with_detector(async |ui| {
        let notice = start_camera(ui).await?;
        ensure!(notice.contains("sent to this server"), "{notice}");
        ui.wait_for("return document.querySelectorAll('.live-face .bars').length === 1")
            .await?;
        ui.wait_for("return /^1 face · [\\d.]+ frames per second/.test(document.querySelector('#live-note').textContent)")
            .await?;
        ui.check_accessibility().await?;
        // The face is at 178 to 268 of 512 columns, and the video is mirrored.
        let left = "return parseFloat(document.querySelector('.live-boxes .face-box').style.left)";
        let left = ui.wait_for(left).await?.as_f64().unwrap_or_default();
        ensure!((45.0..51.0).contains(&left), "{left}");
        let track = "return document.querySelector('.live-boxes .face-box').dataset.track";
        ensure!(ui.wait_for(track).await? == "1");

        // A photo is the whole picture.
        ui.click(".camera .primary").await?;
        ui.wait_for("return document.querySelectorAll('.photo .face-box').length === 1")
            .await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn switch_to_one_face_shows_notice_again() -> Result<()> {
    with_detector(async |ui| {
        start_camera(ui).await?;
        ui.element(".live-face").await?;
        ui.click("#one-face").await?;
        let notice = ui.text("#camera-notice").await?;
        ensure!(notice.contains("stays in this browser"), "{notice}");
        let video = ui
            .run("return document.querySelector('video')", &[])
            .await?;
        ensure!(video.is_null(), "the camera is still open");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn live_camera_without_detector_shows_reason() -> Result<()> {
    with_web_ui(&["WebSocket", "503 (Service Unavailable)"], async |ui| {
        start_camera(ui).await?;
        let reason = ui.text(".camera .notice.bad").await?;
        ensure!(reason.contains("detector is not installed"), "{reason}");
        Ok(())
    })
    .await
}
