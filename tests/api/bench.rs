//! `mien bench` with its own server and with a running server.

use std::process::Command;

use actix_web::web;
use serde_json::Value;

use crate::helpers::{TestApp, fixture};

async fn bench(flags: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mien"));
    command.args([
        "bench",
        "--json",
        "--log=warn",
        "--duration=500ms",
        "--budget=200ms",
    ]);
    command
        .arg("--faces")
        .arg(fixture("faces"))
        .arg("--models")
        .arg(fixture("models"))
        .args(flags);
    let output = web::block(move || command.env("MIEN_TUNE", "off").output().unwrap());
    let output = output.await.unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Checks that some requests of a load succeeded and none failed.
fn assert_load(load: &Value) {
    assert_eq!(load["failed"], 0, "{load}");
    assert!(load["images_per_second"].as_f64().unwrap() > 0.0, "{load}");
    let latency = &load["latency"];
    let [p50, p90, p99, max] =
        ["p50", "p90", "p99", "max"].map(|key| latency[key].as_f64().unwrap());
    assert!(
        0.0 < p50 && p50 <= p90 && p90 <= p99 && p99 <= max,
        "{load}"
    );
}

#[actix_web::test]
async fn bench_measures_runtime_and_http() {
    let studies = bench(&["--model=small", "--noop=bench/models/noop/1"]).await;
    let studies = studies.as_array().unwrap();
    assert_eq!(
        studies.iter().map(|s| &s["name"]).collect::<Vec<_>>(),
        ["small", "noop"]
    );
    for study in studies {
        assert!(study["raw"]["best"]["images_per_second"].as_f64().unwrap() > 0.0);
        assert!(study["single"]["run_ms"].as_f64().unwrap() > 0.0);
        assert_load(&study["batcher"]);
        let http = study["http"].as_array().unwrap();
        assert_eq!(http.len(), 4);
        http.iter().for_each(assert_load);
        for compared in ["one_connection", "per_cpu_second", "per_second"] {
            let compared = &study["interleaved"][compared];
            let [raw, http, least, most] = [
                &compared["raw"],
                &compared["http"],
                &compared["by_start"][0],
                &compared["by_start"][1],
            ]
            .map(|figure| figure.as_f64().unwrap());
            assert!(raw > 0.0 && http > 0.0 && least <= most, "{compared}");
        }
        assert!(study["memory"]["end"]["resident"].as_u64().unwrap() > 0);
        assert!(study["ready_seconds"]["cached"].as_f64().unwrap() > 0.0);
    }
}

#[actix_web::test]
async fn bench_measures_external_server() {
    let app = TestApp::spawn();
    let url = format!("--url={}", app.url("/v1/classify?model=small"));
    let pid = format!("--pid={}", std::process::id());
    let loads = bench(&[&url, &pid]).await;
    assert_eq!(loads.as_array().unwrap().len(), 3);
    loads.as_array().unwrap().iter().for_each(assert_load);

    let wrong = format!("--url={}", app.url("/v1/classify?model=nope"));
    let load = &bench(&[&wrong]).await[0];
    assert_eq!(load["images_per_second"], 0.0);
    assert!(load["failed"].as_u64().unwrap() > 0, "{load}");
    assert!(
        load["failure"].as_str().unwrap().contains("unknown_model"),
        "{load}"
    );
    let unexpected = bench(&[&url, "--expect=\"no such text\""]).await;
    assert!(
        unexpected[0]["failed"].as_u64().unwrap() > 0,
        "{unexpected}"
    );
}
