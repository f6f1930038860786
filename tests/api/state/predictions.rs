//! The predictions of an evaluation as CSV.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    evaluations::{data_set, put, spawn},
    helpers::{assert_problem, face, send},
};

#[actix_web::test]
async fn predictions_equal_classifications_in_data_set_order() {
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
        .start_evaluation(&json!({"dataset": "faces", "model": "keras"}))
        .await;
    app.until_evaluation(&location, "succeeded").await;
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
    let header = "image,name,usage,label,prediction,confidence,angry,disgust,fear,happy,neutral,sad,surprise,\
        group_brightness,group_contrast,group_blur";
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
        let (_, served) = send(app.classify("?model=keras", face(label))).await;
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
