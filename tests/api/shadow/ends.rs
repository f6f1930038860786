//! The end of shadows.

use serde_json::json;

use super::{FLIP, PATH, SAME, series, serve};
use crate::{evaluations::data_set, helpers::install, lifecycle::models_dir};

const WORKERS: &str = "mien_workers{model=\"m\",version=\"2\"}";

#[actix_web::test]
async fn ended_shadow_stops_copying_and_unloads_candidate() {
    let root = models_dir(&[("m", "1", "small"), ("m", "2", SAME)]);
    let app = serve(&root, &["--instances=1"]);
    app.start_shadow("2").await;
    assert_eq!(app.metric(WORKERS).await, 1.0);
    app.classify_faces("").await;
    app.until_compared(7).await;
    let ended = app.end_shadow().await;
    assert_eq!(
        (&ended["status"], &ended["reason"]),
        (&json!("ended"), &json!("ended by a client"))
    );
    assert!(ended["ended"].as_str().unwrap().ends_with('Z'));
    app.classify_faces("").await;
    assert_eq!(app.json(PATH).await, ended);
    app.until_metric(WORKERS, 0.0).await;
    let metrics = app.get("/metrics").await.text().await.unwrap();
    assert!(!metrics.contains("mien_shadow_"), "{metrics}");
    // The end of an ended shadow returns it again.
    assert_eq!(app.end_shadow().await, ended);

    app.start_shadow("2").await;
    assert_eq!(app.metric(&series("agreed")).await, 0.0);
    app.classify_faces("").await;
    app.until_compared(7).await;
}

#[actix_web::test]
async fn promotion_of_candidate_ends_shadow() {
    let (root, data) = (
        models_dir(&[("m", "1", "small"), ("m", "2", SAME)]),
        data_set(),
    );
    let data = format!("--data=faces={}", data.path().display());
    let app = serve(&root, &[&data]);
    app.start_shadow("2").await;
    app.classify_faces("").await;
    app.until_compared(7).await;
    let spec = json!({"version": "2", "dataset": "faces", "min_accuracy": 0});
    app.promote("m", &spec, "promoted").await;
    let ended = app.until_shadow("ended").await;
    assert_eq!(ended["reason"], "version 2 of model `m` serves now");
    assert_eq!(ended["images"]["compared"], 7);
    assert_eq!(app.version("").await, "2");
}

#[actix_web::test]
async fn shadow_continues_after_reload_of_same_files() {
    let root = models_dir(&[("m", "1", "small"), ("m", "2", SAME)]);
    let app = serve(&root, &[]);
    app.start_shadow("2").await;
    app.classify_faces("").await;
    assert_eq!(app.load("m").await.status(), 200);
    app.until_compared(7).await;
    // The shadow follows the new version a moment after the load.
    let (mut sent, mut compared) = (7, 7);
    while compared == 7 {
        app.classify_faces("").await;
        sent += 7;
        compared = app.json(PATH).await["images"]["compared"].as_u64().unwrap();
        assert!(sent < 7_000, "the images are copied after the load");
    }

    install(root.path(), "m", "1", FLIP);
    assert_eq!(app.load("m").await.status(), 200);
    let ended = app.until_shadow("ended").await;
    assert_eq!(ended["reason"], "version 1 of model `m` was replaced");
}

#[actix_web::test]
async fn unload_of_model_ends_shadow() {
    let root = models_dir(&[("m", "1", "small"), ("m", "2", SAME), ("n", "1", "small")]);
    let app = serve(&root, &[]);
    app.start_shadow("2").await;
    assert_eq!(app.unload("m").await.status(), 200);
    let ended = app.until_shadow("ended").await;
    assert_eq!(ended["reason"], "`m` does not serve: it is unloaded");
}
