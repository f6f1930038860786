//! Queue, deadlines and cancelled requests, seen from outside. `--max-queue-delay` keeps images in the queue
//! until a batch of four is full, so nothing depends on how fast a model is.

use actix_web::rt;
use serde_json::json;

use crate::{
    eventually::{TIMEOUT, eventually},
    helpers::{TestApp, assert_problem, face, send},
};

const WAIT_FOR_BATCH: [&str; 5] = [
    "--max-queue-size=4",
    "--max-images=4",
    "--max-batch=4",
    "--max-queue-delay=60s",
    "--instances=1",
];
const QUEUED_IMAGES: &str = "mien_queue_images{model=\"small\",priority=\"live\"}";

fn faces(count: usize) -> impl Iterator<Item = Vec<u8>> {
    std::iter::repeat_n(face("happy"), count)
}

#[actix_web::test]
async fn full_queue_rejects_request_with_retry_after() {
    let app = TestApp::spawn_with(&WAIT_FOR_BATCH);
    let three = rt::spawn(send(app.classify_many("", faces(3))));
    app.until_metric(QUEUED_IMAGES, 3.0).await;

    let rejected = app.classify_many("", faces(2)).send().await.unwrap();
    let retry: u64 = rejected.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(retry >= 1);
    assert_problem(rejected, 503, "overloaded").await;
    assert_eq!(
        app.metric("mien_images_total{model=\"small\",outcome=\"rejected\",priority=\"live\",version=\"1\"}")
            .await,
        2.0
    );
    assert_eq!(app.metric(QUEUED_IMAGES).await, 3.0);

    // One more image fits and fills the batch of four.
    assert_eq!(send(app.classify("", face("sad"))).await.0, 200);
    assert_eq!(three.await.unwrap().0, 200);
    assert_eq!(
        app.metric(
            "mien_images_total{model=\"small\",outcome=\"ok\",priority=\"live\",version=\"1\"}"
        )
        .await,
        4.0
    );
    assert_eq!(
        app.metric("mien_batch_images_sum{model=\"small\",priority=\"live\",version=\"1\"}")
            .await,
        4.0
    );
    assert_eq!(
        app.metric("mien_batch_images_count{model=\"small\",priority=\"live\",version=\"1\"}")
            .await,
        1.0
    );
}

#[actix_web::test]
async fn full_queue_rejects_before_body_is_read() {
    let flags = [
        "--max-queue-size=2",
        "--max-images=2",
        "--max-batch=4",
        "--max-queue-delay=1h",
    ];
    let app = TestApp::spawn_with(&[&flags[..], &["--body-timeout=1h"]].concat());
    let _two = rt::spawn(send(app.classify_many("", faces(2))));
    app.until_metric(QUEUED_IMAGES, 2.0).await;
    // This body never ends, so the response comes before its end.
    let endless = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let rejected = app
        .classify("", reqwest::Body::wrap_stream(endless))
        .send()
        .await
        .unwrap();
    assert_problem(rejected, 503, "overloaded").await;
}

#[actix_web::test]
async fn disconnected_client_frees_queue() {
    let app = TestApp::spawn_with(&WAIT_FOR_BATCH);
    let request = rt::spawn(app.classify_many("", faces(3)).send());
    app.until_metric(QUEUED_IMAGES, 3.0).await;
    request.abort();
    until_images_leave_queue(&app).await;
}

async fn until_images_leave_queue(app: &TestApp) {
    // Four images fit when the server has noticed the disconnect.
    let what = "the images of the disconnected client leave the queue";
    eventually(TIMEOUT, what, async || {
        let (status, _) = send(app.classify_many("", faces(4))).await;
        (status == 200).then_some(())
    })
    .await;
    let cancelled =
        "mien_images_total{model=\"small\",outcome=\"cancelled\",priority=\"live\",version=\"1\"}";
    app.until_metric(cancelled, 3.0).await;
    let route = "mien_http_requests_total{method=\"POST\",route=\"/v1/classify\"";
    app.until_metrics_contain(&format!("{route},status=\"499\"}} 1"))
        .await;
}

#[actix_web::test]
async fn low_priority_requests_use_separate_queue() {
    let app = TestApp::spawn_with(&WAIT_FOR_BATCH);
    let _live = rt::spawn(send(app.classify_many("", faces(3))));
    app.until_metric(QUEUED_IMAGES, 3.0).await;
    let infer = |priority: u64| {
        let gray = vec![128_u8; 2 * 48 * 48];
        let input =
            json!({"name": "image", "datatype": "UINT8", "shape": [2, 1, 48, 48], "data": gray});
        let body = json!({"inputs": [input], "parameters": {"priority": priority}});
        app.client
            .post(app.url("/v2/models/small/infer"))
            .json(&body)
    };
    // Two more live images do not fit.
    assert_eq!(send(infer(1)).await.0, 503);
    let background = rt::spawn(send(infer(2)));
    app.until_metric(
        "mien_queue_images{model=\"small\",priority=\"background\"}",
        2.0,
    )
    .await;
    // The live images fill a batch of their own.
    assert_eq!(send(app.classify("", face("sad"))).await.0, 200);
    assert_eq!(background.await.unwrap().0, 200);
    // One batch has four live images. The background images have a batch each.
    for (priority, batches, images) in [("live", 1.0, 4.0), ("background", 2.0, 2.0)] {
        let labels = format!("model=\"small\",priority=\"{priority}\",version=\"1\"");
        let sum = format!("mien_batch_images_sum{{{labels}}}");
        assert_eq!(app.metric(&sum).await, images, "{priority}");
        let count = format!("mien_batch_images_count{{{labels}}}");
        assert_eq!(app.metric(&count).await, batches, "{priority}");
    }
}

#[actix_web::test]
async fn queued_request_fails_at_deadline() {
    let app = TestApp::spawn_with(&WAIT_FOR_BATCH);
    let request = app
        .classify("", face("happy"))
        .header("x-request-timeout-ms", "50");
    assert_problem(request.send().await.unwrap(), 504, "deadline_exceeded").await;
    let app = TestApp::spawn_with(&[&WAIT_FOR_BATCH[..], &["--request-timeout=50ms"]].concat());
    assert_problem(
        app.classify("", face("happy")).send().await.unwrap(),
        504,
        "deadline_exceeded",
    )
    .await;
}
