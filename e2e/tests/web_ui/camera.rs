//! Tests of the camera. The browser has a camera that shows a test pattern.

use anyhow::{Result, ensure};
use mien_e2e::with_web_ui;

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
