//! `GET /metrics`.

use std::collections::BTreeSet;

use serde_json::json;

use crate::{
    evaluations::{data_set, spawn},
    helpers::{TestApp, face},
};

/// Returns name, labels and type of each metric.
fn shape(text: &str) -> Vec<String> {
    let kinds = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let kinds = kinds.map(|line| line.split_once(' ').unwrap());
    let labels = |name: &str| -> String {
        let series = text.lines().find(|line| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| ["{", "_count{"].iter().any(|open| rest.starts_with(open)))
        });
        let labels = series.and_then(|line| line.split_once('{')?.1.rsplit_once('}'));
        let labels = labels.map(|(labels, _)| {
            labels
                .split("\",")
                .map(|label| label.split('=').next().unwrap())
        });
        labels
            .map(|labels| labels.collect::<Vec<_>>().join(","))
            .unwrap_or_default()
    };
    kinds
        .map(|(name, kind)| format!("{name}{{{}}} {kind}", labels(name)))
        .collect()
}

#[actix_web::test]
async fn metrics_start_at_zero() {
    let app = TestApp::spawn();
    let response = app.get("/metrics").await;
    assert_eq!(
        response.headers()["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let text = response.text().await.unwrap();
    insta::assert_snapshot!(shape(&text).join("\n"));
    for start in [
        "mien_images_total",
        "mien_predictions_total",
        "mien_http_requests_total",
        "mien_queue_images",
        "mien_queue_wait_seconds_count",
    ] {
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with(start))
            .collect();
        assert!(
            !lines.is_empty() && lines.iter().all(|line| line.ends_with(" 0")),
            "{lines:?}"
        );
    }
    assert!(text.contains("mien_model_ready{model=\"broken\",version=\"1\"} 0"));
    assert!(text.contains("mien_model_ready{model=\"small\",version=\"1\"} 1"));
}

#[actix_web::test]
async fn accept_header_selects_open_metrics() {
    let app = TestApp::spawn();
    let open_metrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let prometheus = "text/plain; version=0.0.4; charset=utf-8";
    for (accept, media_type) in [
        // The header of Prometheus 2.
        (
            "application/openmetrics-text;version=1.0.0;q=0.5,\
             application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            open_metrics,
        ),
        (
            "text/plain;q=0.9, application/openmetrics-text;q=0.1",
            prometheus,
        ),
        ("*/*", prometheus),
        ("application/json", prometheus),
    ] {
        let request = app.client.get(app.url("/metrics")).header("accept", accept);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], media_type, "{accept}");
        assert_eq!(response.headers()["vary"], "accept");
        let text = response.text().await.unwrap();
        let is_open_metrics = media_type == open_metrics;
        assert_eq!(text.ends_with("\n# EOF\n"), is_open_metrics, "{accept}");
        let family = "# TYPE mien_images counter\n";
        assert_eq!(text.contains(family), is_open_metrics, "{accept}");
        let series = "mien_images_total{model=\"small\",outcome=\"ok\"";
        assert!(text.contains(series), "{accept}");
    }
}

#[actix_web::test]
async fn request_metrics_have_bounded_cardinality() {
    let app = TestApp::spawn();
    app.get("/v1/models/small").await;
    app.get("/v1/models/nope").await;
    app.get("/nope/1").await;
    app.get("/nope/2").await;
    app.classify("?model=nope", face("happy"))
        .send()
        .await
        .unwrap();
    let method = reqwest::Method::from_bytes(b"BREW").unwrap();
    app.client
        .request(method, app.url("/metrics"))
        .send()
        .await
        .unwrap();
    for (method, route, status, count) in [
        ("GET", "/v1/models/{name}", 200, 1.0),
        ("GET", "/v1/models/{name}", 404, 1.0),
        ("GET", "unmatched", 404, 2.0),
        ("POST", "/v1/classify", 404, 1.0),
        ("other", "/metrics", 405, 1.0),
    ] {
        let series = format!(
            "mien_http_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}"
        );
        assert_eq!(app.metric(&series).await, count, "{series}");
    }
    let text = app.get("/metrics").await.text().await.unwrap();
    assert!(!text.contains("nope") && !text.contains("BREW"));
}

#[actix_web::test]
async fn background_images_have_their_own_series() {
    let data = data_set();
    let app = spawn(&data, &[]);
    app.classify("", face("happy")).send().await.unwrap();
    let evaluation = app.start_evaluation(&json!({"dataset": "faces"})).await;
    app.until_evaluation(&evaluation, "succeeded").await;
    for (priority, images) in [("live", 1.0), ("background", 7.0)] {
        let labels =
            format!("model=\"small\",outcome=\"ok\",priority=\"{priority}\",version=\"1\"");
        let series = format!("mien_images_total{{{labels}}}");
        assert_eq!(app.metric(&series).await, images, "{priority}");
        let labels = format!("model=\"small\",priority=\"{priority}\",version=\"1\"");
        let series = format!("mien_queue_wait_seconds_count{{{labels}}}");
        assert_eq!(app.metric(&series).await, images, "{priority}");
    }
}

#[actix_web::test]
async fn rejected_requests_do_not_change_latency_of_successful_ones() {
    let app = TestApp::spawn();
    app.classify("", b"not an image".to_vec())
        .send()
        .await
        .unwrap();
    for (class, requests) in [("2xx", 0.0), ("4xx", 1.0), ("5xx", 0.0)] {
        let labels = format!("route=\"/v1/classify\",status_class=\"{class}\"");
        let series = format!("mien_http_request_duration_seconds_count{{{labels}}}");
        assert_eq!(app.metric(&series).await, requests, "{class}");
    }
}

#[actix_web::test]
async fn predictions_are_counted_by_label() {
    let app = TestApp::spawn();
    app.classify("", face("happy")).send().await.unwrap();
    app.classify("", face("sad")).send().await.unwrap();
    let text = app.get("/metrics").await.text().await.unwrap();
    let counted: BTreeSet<&str> = text
        .lines()
        .filter(|line| line.starts_with("mien_predictions_total") && line.ends_with(" 1"))
        .collect();
    assert_eq!(
        counted,
        BTreeSet::from([
            "mien_predictions_total{label=\"fear\",model=\"small\",version=\"1\"} 1",
            "mien_predictions_total{label=\"neutral\",model=\"small\",version=\"1\"} 1",
        ])
    );
    assert_eq!(
        app.metric("mien_prediction_confidence_count{model=\"small\",version=\"1\"}")
            .await,
        2.0
    );
    assert_eq!(
        app.metric(
            "mien_queue_wait_seconds_count{model=\"small\",priority=\"live\",version=\"1\"}"
        )
        .await,
        2.0
    );
    assert_eq!(
        app.metric(
            "mien_inference_duration_seconds_count{model=\"small\",priority=\"live\",version=\"1\"}"
        )
        .await,
        2.0
    );
}

#[actix_web::test]
async fn durations_of_successful_loads_are_observed() {
    let app = TestApp::spawn();
    let count = |model: &str| {
        let labels = format!("model=\"{model}\"");
        format!("mien_model_load_duration_seconds_count{{{labels}}}")
    };
    assert_eq!(app.metric(&count("small")).await, 1.0);
    assert_eq!(app.metric(&count("broken")).await, 0.0);
    let load = app.client.post(app.url("/v1/models/small/load"));
    assert_eq!(load.send().await.unwrap().status(), 200);
    assert_eq!(app.metric(&count("small")).await, 2.0);
}

#[actix_web::test]
async fn capacity_follows_settings_and_reloads() {
    let app = TestApp::spawn_with(&["--instances=2", "--max-queue-size=100"]);
    for reload in [false, true] {
        if reload {
            let load = app.client.post(app.url("/v1/models/small/load"));
            assert_eq!(load.send().await.unwrap().status(), 200);
        }
        let of = "model=\"small\",version=\"1\"";
        app.until_metric(&format!("mien_workers{{{of}}}"), 2.0)
            .await;
        app.until_metric(&format!("mien_queue_limit_images{{{of}}}"), 100.0)
            .await;
    }
}
