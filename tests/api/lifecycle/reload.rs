//! Reloading a model while it serves.

use std::fs;

use actix_web::rt;
use serde_json::json;

use super::{models_dir, serve};
use crate::helpers::{assert_problem, face, fixture, install, send};

#[actix_web::test]
async fn reloading_model_fails_no_request() {
    let root = models_dir(&[("m", "1", "small")]);
    let app = serve(&root, &[]);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let raw = |path: &str| {
        let request = app.client.post(app.url(path));
        request
            .header("inference-header-content-length", 0)
            .body(vec![128; 48 * 48])
    };
    let image = || app.classify("", face("happy"));
    let infer = "/v2/models/m/infer";
    let clients: Vec<_> = [image(), image(), raw(infer), raw(infer)]
        .into_iter()
        .map(|request| {
            let stopped = stopped.clone();
            rt::spawn(async move {
                let mut statuses = Vec::new();
                while !*stopped.borrow() {
                    let request = request.try_clone().expect("the body is in memory");
                    statuses.push(request.send().await.unwrap().status().as_u16());
                }
                statuses
            })
        })
        .collect();
    for _ in 0..50 {
        assert_eq!(app.load("m").await.status(), 200);
    }
    stop.send(true).unwrap();
    for client in clients {
        let statuses = client.await.unwrap();
        assert!(!statuses.is_empty() && statuses.iter().all(|status| *status == 200));
    }
    let loads = "mien_model_loads_total{model=\"m\",outcome=\"ok\"}";
    assert_eq!(app.metric(loads).await, 51.0);
}

#[actix_web::test]
async fn pending_request_completes_during_reload() {
    let root = models_dir(&[("m", "1", "small")]);
    // The delay must be long enough to observe the queued image and to reload the model.
    let app = serve(
        &root,
        &["--max-batch=2", "--max-queue-delay=3s", "--instances=1"],
    );
    let pending = rt::spawn(send(app.classify("", face("happy"))));
    app.until_metric("mien_queue_images{model=\"m\",priority=\"live\"}", 1.0)
        .await;
    assert_eq!(app.load("m").await.status(), 200);
    assert_eq!(pending.await.unwrap().0, 200);
}

#[actix_web::test]
async fn invalid_latest_version_keeps_previous_serving() {
    let root = models_dir(&[("m", "1", "small")]);
    let app = serve(&root, &[]);
    install(root.path(), "m", "2", "broken");
    let problem = assert_problem(app.load("m").await, 409, "invalid_model").await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("version 2 of model `m` cannot be served: "),
        "{detail}"
    );
    assert!(
        detail.ends_with("; version 1 continues to serve"),
        "{detail}"
    );
    let model = app.json("/v1/models/m").await;
    assert_eq!(app.versions("m").await, ["1 ready", "2 failed"]);
    assert!(
        model["versions"][1]["reason"]
            .as_str()
            .unwrap()
            .contains("Protobuf"),
        "{model}"
    );
    assert_eq!(app.version("").await, "1");
    assert_eq!(
        app.metric("mien_model_ready{model=\"m\",version=\"2\"}")
            .await,
        0.0
    );
    assert_eq!(
        app.metric("mien_model_loads_total{model=\"m\",outcome=\"failed\"}")
            .await,
        1.0
    );

    install(root.path(), "m", "2", "tiny");
    assert_eq!(app.load("m").await.status(), 200);
    assert_eq!(app.version("").await, "2");
    app.until_versions("m", &["1 unloaded", "2 ready"]).await;
}

#[actix_web::test]
async fn invalid_replacement_file_keeps_version_serving() {
    let root = models_dir(&[("m", "1", "small")]);
    let app = serve(&root, &[]);
    let before = send(app.classify("", face("happy"))).await;
    install(root.path(), "m", "1", "broken");
    assert_problem(app.load("m").await, 409, "invalid_model").await;
    let model = app.json("/v1/models/m").await;
    let version = &model["versions"][0];
    assert_eq!(version["status"], "ready");
    assert!(
        version["reason"].as_str().unwrap().contains("Protobuf"),
        "{model}"
    );
    assert_eq!(send(app.classify("", face("happy"))).await, before);
    assert_eq!(
        app.metric("mien_model_ready{model=\"m\",version=\"1\"}")
            .await,
        1.0
    );

    install(root.path(), "m", "1", "tiny");
    assert_eq!(app.load("m").await.status(), 200);
    let model = app.json("/v1/models/m").await;
    assert_eq!(model["versions"][0].get("reason"), None, "{model}");
    assert_eq!(
        model["versions"][0]["input"]["shape"],
        json!(["N", "32", "32"])
    );
}

#[actix_web::test]
async fn replaced_external_data_changes_identity_and_predictions() {
    let root = tempfile::tempdir().unwrap();
    let version = root.path().join("m/1");
    fs::create_dir_all(&version).unwrap();
    let external = fixture("external/small/1");
    for file in ["model.onnx", "model.onnx.data"] {
        fs::copy(external.join(file), version.join(file)).unwrap();
    }
    let app = serve(&root, &[]);
    let served = async || {
        let sha256 = app.json("/v1/models/m").await["versions"][0]["sha256"].clone();
        let (status, body) = send(app.classify("", face("happy"))).await;
        assert_eq!(status, 200, "{body}");
        (sha256, body["predictions"][0]["probabilities"].clone())
    };
    let (sha256, probabilities) = served().await;

    // Without weights in the last layer, all classes are equally probable.
    let data = version.join("model.onnx.data");
    let size = fs::metadata(&data).unwrap().len();
    fs::write(&data, vec![0; usize::try_from(size).unwrap()]).unwrap();
    assert_eq!(app.load("m").await.status(), 200);
    let (replaced, equal) = served().await;
    assert_ne!(replaced, sha256);
    assert_ne!(equal, probabilities);
    for probability in equal.as_object().unwrap().values() {
        assert!((probability.as_f64().unwrap() - 1.0 / 7.0).abs() < 1e-6);
    }
}
