//! `--shadow`.

use serde_json::json;

use super::{SAME, serve};
use crate::{
    eventually::{TIMEOUT, eventually},
    helpers::{TestApp, settings, startup_error},
    lifecycle::{models_dir, models_flag},
};

#[actix_web::test]
async fn shadow_of_settings_starts_when_models_are_loaded() {
    let root = models_dir(&[("m", "1", "small"), ("m", "2", SAME)]);
    let app = serve(&root, &["--shadow=m@1=2", "--shadow-share=1"]);
    // The server responds with 404 until the shadow is registered.
    app.until_shadow("running").await;
    app.classify_faces("").await;
    let report = app.until_compared(7).await;
    assert_eq!(
        (&report["candidate"], &report["version"], &report["share"]),
        (&json!("m@2"), &json!("1"), &json!(1.0))
    );
}

#[actix_web::test]
async fn invalid_shadow_of_settings_fails_and_server_serves() {
    let root = models_dir(&[("m", "1", "small"), ("n", "1", "small"), ("n", "2", SAME)]);
    for (flag, model, reason) in [
        (
            "--shadow=m@1=9",
            "m",
            "model `m` has no version `9` in the models directory",
        ),
        (
            "--shadow=m@1=nope@1",
            "m",
            "there is no model `nope` in the models directory",
        ),
        // The newest version serves by default.
        (
            "--shadow=n@1=2",
            "n",
            "version 1 of model `n` does not serve; version 2 serves. Promote version 1, or select it with --version-policy",
        ),
    ] {
        let flags = [&models_flag(&root), "--default-model=m", flag];
        let app = TestApp::spawn_with(&flags);
        assert_eq!(app.get("/health/ready").await.status(), 200);
        app.assert_classifies().await;
        let path = format!("/v1/models/{model}/shadow");
        let report = eventually(TIMEOUT, "the shadow failed", async || {
            let report = app.json(&path).await;
            (report["status"] == "failed").then_some(report)
        });
        assert_eq!(report.await["reason"], reason, "{flag}");
    }
}

#[actix_web::test]
async fn two_shadows_of_one_model_are_rejected() {
    let settings = settings(&["--shadow=small@1=2", "--shadow=small@1=3"]);
    let error = startup_error(&settings).await;
    assert!(
        error.contains("--shadow has two candidates for model `small`"),
        "{error}"
    );
}
