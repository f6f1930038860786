//! Requests during a promotion.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use actix_web::rt;
use serde_json::json;

use super::serve;
use crate::{
    evaluations::{LABELS, put},
    eventually::{TIMEOUT, eventually},
    helpers::{face, install, send},
    lifecycle::models_dir,
};

/// Number of clients that send requests during the promotions.
const CLIENTS: usize = 4;

/// Creates 280 faces, so that clients send requests during their evaluation.
fn many_faces() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for label in LABELS {
        for copy in 0..40 {
            put(
                root.path(),
                &format!("test/{label}/PublicTest_{copy}.png"),
                &face(label),
            );
        }
    }
    root
}

#[actix_web::test]
async fn promotion_fails_no_request_and_switches_version_once() {
    let (root, data) = (models_dir(&[("m", "1", "small")]), many_faces());
    let app = serve(&root, &data, &[]);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let url = app.url("/v1/classify?model=m");
    // The number of clients that have a response of each version.
    let served = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let all_answered = async |version: usize| {
        let what = format!("each client has a response of version {version}");
        eventually(TIMEOUT, &what, async || {
            (served[version - 1].load(Ordering::Relaxed) == CLIENTS).then_some(())
        })
        .await;
    };
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (client, url, stopped) = (app.client.clone(), url.clone(), stopped.clone());
            let served = Arc::clone(&served);
            rt::spawn(async move {
                let mut versions = Vec::new();
                while !*stopped.borrow() {
                    let (status, body) = send(client.post(&url).body(face("happy"))).await;
                    assert_eq!(status, 200, "{body}");
                    let version = body["version"].as_str().unwrap().to_owned();
                    if !versions.contains(&version) {
                        let index = version.parse::<usize>().unwrap() - 1;
                        served[index].fetch_add(1, Ordering::Relaxed);
                    }
                    versions.push(version);
                }
                versions
            })
        })
        .collect();

    // The first promotion is rejected, the second one passes, both under load.
    all_answered(1).await;
    install(root.path(), "m", "2", "tiny");
    let spec =
        |accuracy: f64| json!({"version": "2", "dataset": "faces", "min_accuracy": accuracy});
    app.promote("m", &spec(1.0), "rejected").await;
    assert_eq!(app.version("?model=m").await, "1");
    app.promote("m", &spec(0.1), "promoted").await;
    // All responses from now on are from the new version.
    assert_eq!(app.version("?model=m").await, "2");
    all_answered(2).await;
    stop.send(true).unwrap();
    for client in clients {
        let versions = client.await.unwrap();
        let (old, new) = versions.split_at(versions.partition_point(|version| version == "1"));
        assert!(
            !old.is_empty() && !new.is_empty(),
            "{} {}",
            old.len(),
            new.len()
        );
        assert!(new.iter().all(|version| version == "2"), "{versions:?}");
    }
    app.until_versions("m", &["1 unloaded", "2 ready"]).await;
    // There were three successful loads, and each image has a result.
    let metric = async |series: &str| app.metric(series).await;
    assert_eq!(
        metric("mien_model_loads_total{model=\"m\",outcome=\"ok\"}").await,
        3.0
    );
    for outcome in ["rejected", "expired", "failed"] {
        for version in [1, 2] {
            let series = format!(
                "mien_images_total{{model=\"m\",outcome=\"{outcome}\",priority=\"live\",version=\"{version}\"}}"
            );
            assert_eq!(metric(&series).await, 0.0, "{outcome}");
        }
    }
}

#[actix_web::test]
async fn names_with_version_keep_their_version() {
    let (root, data) = (
        models_dir(&[("m", "1", "small"), ("m", "2", "tiny")]),
        many_faces(),
    );
    let flags = [
        "--version-policy=1",
        "--alias=stable=m@1,newest=m",
        "--default-model=m@1",
    ];
    let app = serve(&root, &data, &flags);
    let spec = json!({"version": "2", "dataset": "faces", "limit": 7, "min_accuracy": 0});
    // An alias resolves to its model.
    let response = app.post_promotion("newest", &spec).await;
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    assert!(
        location.starts_with("/v1/models/m/promotions/"),
        "{location}"
    );
    app.until_promotion(&location, "promoted").await;
    for (query, version) in [
        ("", "1"),
        ("?model=stable", "1"),
        ("?model=newest", "2"),
        ("?model=m", "2"),
    ] {
        assert_eq!(app.version(query).await, version, "{query}");
    }
    assert_eq!(
        app.json("/v1/models/stable/promotions").await["promotions"][0]["model"],
        "m"
    );
    assert_eq!(app.versions("m").await, ["1 ready", "2 ready"]);
}
