//! `/v1/evaluations/{id}/events`.

use std::collections::HashMap;

use reqwest::Response;
use serde_json::{Value, json};

use crate::{
    evaluations::{STUCK, data_set, spawn},
    helpers::{TestApp, assert_problem},
};

/// A client of an event stream.
struct Listener {
    response: Response,
    text: String,
}

/// An event: identifier, name, data.
type Event = (u64, String, Value);

impl Listener {
    async fn connect(app: &TestApp, location: &str, last: Option<u64>) -> Self {
        let mut request = app.client.get(app.url(&format!("{location}/events")));
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        // Events are sent at once even to a client that accepts compressed responses.
        let response = request
            .header("accept-encoding", "gzip")
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self {
            response,
            text: String::new(),
        }
    }

    /// Returns the next event, or `None` at the end of the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                let fields: HashMap<&str, &str> = block
                    .lines()
                    .filter_map(|line| line.split_once(": "))
                    .collect();
                let Some(data) = fields.get("data") else {
                    continue;
                };
                let id = fields["id"].parse().unwrap();
                return Some((
                    id,
                    fields["event"].to_owned(),
                    serde_json::from_str(data).unwrap(),
                ));
            }
            let Some(bytes) = self.response.chunk().await.unwrap() else {
                assert_eq!(self.text, "", "the stream ends within an event");
                return None;
            };
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    /// Returns all events until the stream closes.
    async fn all(mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}

#[actix_web::test]
async fn events_follow_evaluation_to_its_end() {
    let data = data_set();
    let app = spawn(&data, &[]);
    let location = app.start_evaluation(&json!({"dataset": "faces"})).await;
    let listeners = [
        Listener::connect(&app, &location, None).await,
        Listener::connect(&app, &location, None).await,
    ];
    let document = app.until_evaluation(&location, "succeeded").await;
    let mut ends = Vec::new();
    for listener in listeners {
        let events = listener.all().await;
        assert!(
            events.windows(2).all(|pair| pair[0].0 < pair[1].0),
            "{events:?}"
        );
        let (last, before) = events.split_last().unwrap();
        for (_, name, progress) in before {
            assert_eq!(name, "progress");
            assert!(["queued", "running"].contains(&progress["status"].as_str().unwrap()));
            assert_eq!(progress["images"]["total"], 7);
            let keys = ["images_per_second", "accuracy", "eta_seconds"];
            assert!(
                keys.iter().all(|key| progress.get(key).is_some()),
                "{progress}"
            );
        }
        ends.push(last.clone());
    }
    assert_eq!(ends[0], ends[1]);
    let (id, name, end) = ends.remove(0);
    let report = &document["report"];
    let expected = json!({
        "status": "succeeded", "images": {"done": 7, "total": 7}, "eta_seconds": null,
        "images_per_second": report["images_per_second"], "accuracy": report["accuracy"],
    });
    assert_eq!((name.as_str(), &end), ("end", &expected));

    // A late client gets the end at once. A client that has received the end gets 204, so that it does not reconnect.
    let text = app
        .get(&format!("{location}/events"))
        .await
        .text()
        .await
        .unwrap();
    assert!(
        text.starts_with("retry: 2000\n\n") && text.matches("event:").count() == 1,
        "{text}"
    );
    for last in [None, Some(0), Some(id - 1)] {
        let events = Listener::connect(&app, &location, last).await.all().await;
        assert_eq!(events, [(id, "end".to_owned(), end.clone())], "{last:?}");
    }
    let request = app.client.get(app.url(&format!("{location}/events")));
    let response = request
        .header("last-event-id", id.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 204);

    assert_problem(
        app.get("/v1/evaluations/nope/events").await,
        404,
        "unknown_evaluation",
    )
    .await;
}

#[actix_web::test]
async fn reconnected_listener_gets_newer_events_only() {
    let data = data_set();
    let app = spawn(&data, &STUCK);
    let location = app.start_evaluation(&json!({"dataset": "faces"})).await;
    app.until_evaluation(&location, "running").await;
    let mut first = Listener::connect(&app, &location, None).await;
    let (id, name, progress) = first.next().await.unwrap();
    assert_eq!(
        (name.as_str(), &progress["status"]),
        ("progress", &json!("running"))
    );
    assert_eq!(progress["images"], json!({"done": 0, "total": 7}));
    let idle = ["images_per_second", "accuracy", "eta_seconds"];
    assert!(idle.iter().all(|key| progress[key].is_null()), "{progress}");
    drop(first);

    let back = Listener::connect(&app, &location, Some(id)).await;
    let other = Listener::connect(&app, &location, None).await;
    app.client.delete(app.url(&location)).send().await.unwrap();
    let end = back.all().await;
    assert_eq!(end.len(), 1, "{end:?}");
    assert_eq!(
        (end[0].1.as_str(), &end[0].2["status"]),
        ("end", &json!("cancelled"))
    );
    assert!(end[0].0 > id);
    let events = other.all().await;
    assert_eq!((events[0].0, &events[1..]), (id, &end[..]));
}

#[actix_web::test]
async fn listeners_do_not_delay_shutdown() {
    let data = data_set();
    let mut app = spawn(&data, &[STUCK[0], STUCK[1], "--drain-timeout=1h"]);
    let location = app.start_evaluation(&json!({"dataset": "faces"})).await;
    app.until_evaluation(&location, "running").await;
    let mut listener = Listener::connect(&app, &location, None).await;
    listener.next().await.unwrap();
    app.stop();
    let end = listener.all().await;
    assert_eq!((end.len(), &end[0].2["status"]), (1, &json!("cancelled")));
    app.stop_and_wait().await;
}
