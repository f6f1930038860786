//! What outlives a server: evaluations with their predictions, kept, filtered, pruned and removed.

use mien::startup::{Application, StartupError};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    evaluations::{STUCK, data_set, put, spawn},
    eventually::{TIMEOUT, eventually},
    helpers::{TestApp, answer, assert_problem, face, settings},
};

/// A server whose state is in a folder, as soon as the one before it has let go of it.
pub(crate) async fn spawn_on(state: &TempDir, data: &TempDir, flags: &[&str]) -> TestApp {
    let source = format!("--data=faces={}", data.path().display());
    let state = format!("--state={}", state.path().display());
    let settings = settings(&[&[source.as_str(), state.as_str()], flags].concat());
    let application =
        eventually(
            TIMEOUT,
            "the state directory is free",
            async || match Application::build(&settings) {
                Ok(application) => Some(application),
                Err(StartupError::State(_)) => None,
                Err(error) => panic!("{error}"),
            },
        );
    TestApp::run(application.await)
}

const ACCURACY: &str =
    "mien_evaluation_accuracy{dataset=\"faces\",model=\"small\",split=\"test\",version=\"1\"}";

#[actix_web::test]
async fn a_server_that_starts_again_knows_what_it_knew() {
    let (data, state) = (data_set(), tempfile::tempdir().unwrap());
    let mut app = spawn_on(&state, &data, &[]).await;
    let order = json!({"dataset": "faces"});
    let request = app.client.post(app.url("/v1/evaluations")).json(&order);
    let (status, taken) = answer(request.header("x-request-id", "who-asked")).await;
    assert_eq!(status, 202);
    assert_eq!(taken["request_id"], "who-asked");
    let location = format!("/v1/evaluations/{}", taken["id"].as_str().unwrap());
    let document = app.status(&location, "succeeded").await;
    let times = ["created", "started", "finished"].map(|key| document[key].as_str().unwrap());
    assert!(
        times.is_sorted() && times.iter().all(|time| time.ends_with('Z')),
        "{times:?}"
    );
    let of_model = app.json("/v1/models/small").await;
    assert_eq!(document["sha256"], of_model["versions"][0]["sha256"]);
    let (list, csv) = (
        app.json("/v1/evaluations").await,
        csv(&app, &location).await,
    );
    let accuracy = app.metric(ACCURACY).await;
    app.ended().await;

    let app = spawn_on(&state, &data, &[]).await;
    assert_eq!(app.json(&location).await, document);
    assert_eq!(app.json("/v1/evaluations").await, list);
    assert_eq!(self::csv(&app, &location).await, csv);
    assert_eq!(app.metric(ACCURACY).await, accuracy);
    assert_eq!(document["report"]["accuracy"], accuracy);
}

async fn csv(app: &TestApp, location: &str) -> String {
    app.get(&format!("{location}/predictions"))
        .await
        .text()
        .await
        .unwrap()
}

#[actix_web::test]
async fn predictions_are_what_the_model_answers_in_the_order_of_the_data_set() {
    let data = data_set();
    let whole = face("sad");
    put(data.path(), "test/fear/PublicTest_10.png", &face("fear"));
    put(
        data.path(),
        "test/fear/PublicTest_cut.png",
        &whole[..whole.len() / 2],
    );
    let app = spawn(&data, &[]);
    let location = app
        .ordered(&json!({"dataset": "faces", "model": "keras"}))
        .await;
    app.status(&location, "succeeded").await;
    let response = app.get(&format!("{location}/predictions")).await;
    assert_eq!(
        response.headers()["content-type"],
        "text/csv; charset=utf-8"
    );
    let name = response.headers()["content-disposition"]
        .to_str()
        .unwrap()
        .to_owned();
    let id = location.rsplit('/').next().unwrap();
    assert_eq!(
        name,
        format!("attachment; filename=\"evaluation-{id}.csv\"")
    );

    let body = response.text().await.unwrap();
    let mut reader = csv::Reader::from_reader(body.as_bytes());
    let header = "image,name,usage,label,prediction,confidence,angry,disgust,fear,happy,neutral,sad,surprise";
    assert_eq!(body.lines().next(), Some(header));
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let names: Vec<&str> = rows.iter().map(|row| &row[1]).collect();
    let expected = [
        "test/angry/PublicTest_0.png",
        "test/disgust/PublicTest_1.png",
        "test/fear/PublicTest_10.png",
        "test/fear/PublicTest_2.png",
        "test/happy/PrivateTest_3.png",
        "test/neutral/PrivateTest_4.png",
        "test/sad/PrivateTest_5.png",
        "test/surprise/PrivateTest_6.png",
    ];
    assert_eq!(names, expected);
    for row in &rows {
        let label = &row[3];
        assert!(
            row[1].contains(label) && row[1].contains(&row[2]),
            "{row:?}"
        );
        let (_, served) = answer(app.classify("?model=keras", face(label))).await;
        let served = &served["predictions"][0];
        assert_eq!(row[4], served["label"].as_str().unwrap().to_lowercase());
        let near = |field: &str, value: &Value| {
            let (field, value) = (field.parse::<f64>().unwrap(), value.as_f64().unwrap());
            assert!((field - value).abs() < 1e-5, "{field} {value}");
        };
        near(&row[5], &served["confidence"]);
        for (label, value) in served["probabilities"].as_object().unwrap() {
            let column = header
                .split(',')
                .position(|name| name == label.to_lowercase())
                .unwrap();
            near(&row[column], value);
        }
        let face = app
            .get(&format!("/v1/datasets/faces/images/{}", &row[0]))
            .await;
        assert_eq!(face.status(), StatusCode::OK);
    }
    assert_problem(
        app.get("/v1/evaluations/nope/predictions").await,
        404,
        "unknown_evaluation",
    )
    .await;
}

#[actix_web::test]
async fn lists_are_filtered() {
    let data = data_set();
    let app = spawn(&data, &[]);
    let mut locations = Vec::new();
    for order in [
        json!({"dataset": "faces", "model": "small"}),
        json!({"dataset": "faces", "model": "tiny", "split": "PublicTest"}),
        json!({"dataset": "faces", "model": "tiny", "limit": u64::MAX}),
    ] {
        let location = app.ordered(&order).await;
        app.status(&location, "succeeded").await;
        locations.push(location);
    }
    for (query, expected) in [
        ("", &[2, 1, 0][..]),
        ("?model=tiny", &[2, 1]),
        ("?model=tiny&split=test", &[2]),
        ("?status=succeeded&limit=2", &[2, 1]),
        ("?status=running", &[]),
        ("?version=1&dataset=faces&model=small", &[0]),
        ("?version=2", &[]),
        ("?dataset=more", &[]),
        ("?limit=18446744073709551615", &[2, 1, 0]),
    ] {
        let list = app.json(&format!("/v1/evaluations{query}")).await;
        let ids: Vec<&str> = list["evaluations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|evaluation| evaluation["id"].as_str().unwrap())
            .collect();
        let expected: Vec<&str> = expected
            .iter()
            .map(|&index| locations[index].rsplit('/').next().unwrap())
            .collect();
        assert_eq!(ids, expected, "{query}");
    }
    for query in ["?status=done", "?limit=0", "?split=dev", "?name=small"] {
        assert_problem(
            app.get(&format!("/v1/evaluations{query}")).await,
            400,
            "invalid_request",
        )
        .await;
    }
}

#[actix_web::test]
async fn what_has_ended_can_be_removed() {
    const TOKEN: &str = "a-token-of-this-test";
    let data = data_set();
    let app = spawn(&data, &[STUCK[0], STUCK[1], "--admin-token", TOKEN]);
    let location = app.ordered(&json!({"dataset": "faces"})).await;
    app.status(&location, "running").await;
    let purge = async |token: &str| {
        let request = app
            .client
            .delete(app.url(&format!("{location}?purge=true")));
        request.bearer_auth(token).send().await.unwrap()
    };
    assert_problem(purge("another-token-here").await, 401, "unauthorized").await;
    assert_problem(purge(TOKEN).await, 409, "conflict").await;
    let predictions = app.get(&format!("{location}/predictions")).await;
    let body = assert_problem(predictions, 409, "conflict").await;
    assert!(
        body["detail"].as_str().unwrap().contains("has not ended"),
        "{body}"
    );

    assert_eq!(
        app.client
            .delete(app.url(&location))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(app.json(&location).await["status"], "cancelled");
    let predictions = app.get(&format!("{location}/predictions")).await;
    let body = assert_problem(predictions, 409, "conflict").await;
    assert!(
        body["detail"].as_str().unwrap().contains("was cancelled"),
        "{body}"
    );
    let response = purge(TOKEN).await;
    assert_eq!(
        (response.status().as_u16(), response.text().await.unwrap()),
        (204, String::new())
    );
    assert_problem(purge(TOKEN).await, 404, "unknown_evaluation").await;
    assert_problem(app.get(&location).await, 404, "unknown_evaluation").await;
    assert_eq!(
        app.json("/v1/evaluations").await,
        json!({"evaluations": []})
    );
}

#[actix_web::test]
async fn the_oldest_are_pruned() {
    let (data, state) = (data_set(), tempfile::tempdir().unwrap());
    let mut app = spawn_on(&state, &data, &["--evaluation-retention=2"]).await;
    let mut locations = Vec::new();
    for _ in 0..3 {
        let location = app.ordered(&json!({"dataset": "faces"})).await;
        app.status(&location, "succeeded").await;
        locations.push(location);
    }
    assert_problem(app.get(&locations[0]).await, 404, "unknown_evaluation").await;
    assert_eq!(
        app.json("/v1/evaluations").await["evaluations"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    app.ended().await;
    let app = spawn_on(&state, &data, &["--evaluation-retention=1"]).await;
    assert_eq!(app.get(&locations[1]).await.status(), 404);
    assert_eq!(app.get(&locations[2]).await.status(), 200);
}

#[actix_web::test]
async fn what_cannot_be_kept_is_said_and_tells_no_path() {
    let (data, state) = (data_set(), tempfile::tempdir().unwrap());
    let app = spawn_on(&state, &data, &STUCK).await;
    let location = app.ordered(&json!({"dataset": "faces"})).await;
    app.status(&location, "running").await;
    // Somebody else's hand, while the server runs.
    let file = rusqlite::Connection::open(state.path().join("mien.sqlite3")).unwrap();
    file.execute("DELETE FROM evaluations", []).unwrap();
    let (status, document) = answer(app.client.delete(app.url(&location))).await;
    let error = json!("the evaluation could not be saved; see the server's log");
    assert_eq!(
        (status, &document["status"], &document["error"]),
        (200, &json!("failed"), &error)
    );
    assert_eq!(app.json(&location).await, document);
    let events = app
        .get(&format!("{location}/events"))
        .await
        .text()
        .await
        .unwrap();
    assert!(
        events.contains("event: end") && events.contains("could not be saved"),
        "{events}"
    );

    file.execute("DROP TABLE predictions", []).unwrap();
    file.execute("DROP TABLE evaluations", []).unwrap();
    let order = app.order(&json!({"dataset": "faces"})).await;
    let body = assert_problem(order, 500, "internal").await;
    assert!(!body.to_string().contains("sqlite"), "{body}");
}

#[actix_web::test]
async fn a_file_that_is_none_of_ours_stops_the_start() {
    let state = tempfile::tempdir().unwrap();
    put(
        state.path(),
        "mien.sqlite3",
        "no database, whatever it is ".repeat(100).as_bytes(),
    );
    let flag = format!("--state={}", state.path().display());
    let error = Application::build(&settings(&[&flag]))
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("mien.sqlite3") && error.contains("--state DIR"),
        "{error}"
    );
}
