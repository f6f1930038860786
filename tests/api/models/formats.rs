//! Model files of other tools and formats: Keras networks, float16, several views.

use std::{collections::BTreeMap, fs, io::Cursor};

use serde_json::{Value, json};

use crate::helpers::{TestApp, face, fixture, send};

#[actix_web::test]
async fn converted_keras_networks_match_keras() {
    let app = TestApp::spawn_with(&[&format!("--models={}", fixture("foreign/models").display())]);
    let text = fs::read_to_string(fixture("foreign/expected.json")).unwrap();
    let expected: BTreeMap<String, BTreeMap<String, f64>> = serde_json::from_str(&text).unwrap();
    for (model, tolerance) in [
        ("exported", 1e-5),
        ("one-face", 1e-5),
        ("dense", 1e-5),
        ("half", 1e-3),
    ] {
        let faces: Vec<Vec<u8>> = expected.keys().map(|class| face(class)).collect();
        let request = app.classify_many(&format!("?model={model}"), faces);
        let (status, body) = send(request).await;
        assert_eq!(status, 200, "{body}");
        for (prediction, keras) in body["predictions"]
            .as_array()
            .unwrap()
            .iter()
            .zip(expected.values())
        {
            let best = keras.iter().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
            assert_eq!(prediction["label"], **best);
            for (label, probability) in keras {
                let given = prediction["probabilities"][label].as_f64().unwrap();
                assert!(
                    (given - probability).abs() < tolerance,
                    "{model} {label}: {given} {probability}"
                );
            }
        }
    }
    let input = async |model: &str| {
        app.json(&format!("/v1/models/{model}")).await["versions"][0]["input"]["shape"].clone()
    };
    assert_eq!(input("exported").await, json!(["N", "48", "48", "1"]));
    assert_eq!(input("one-face").await, json!(["1", "48", "48", "1"]));
}

#[actix_web::test]
async fn float16_network_rounds_float32_input() {
    let app = TestApp::spawn_with(&[&format!("--models={}", fixture("foreign/models").display())]);
    let input = &app.json("/v1/models/half").await["versions"][0]["input"];
    assert_eq!(input["datatype"], "float16");
    let metadata = app.json("/v2/models/half").await;
    assert_eq!(metadata["inputs"][0]["datatype"], "FP32");
    // 1e30 exceeds the range of float16 and becomes the largest finite value.
    for value in [0.5, 1e30] {
        let tensor = json!({"name": metadata["inputs"][0]["name"], "datatype": "FP32",
            "shape": [1, 48, 48, 1], "data": vec![value; 48 * 48]});
        let request = app
            .client
            .post(app.url("/v2/models/half/infer"))
            .json(&json!({"inputs": [tensor]}));
        let (status, body) = send(request).await;
        assert_eq!(status, 200, "{value}: {body}");
    }
}

#[actix_web::test]
async fn two_view_model_averages_face_and_mirror_image() {
    let single = TestApp::spawn();
    let flip = TestApp::spawn_with(&[&format!("--models={}", fixture("views").display())]);
    assert_eq!(
        single.json("/v1/models/small").await["versions"][0]["views"],
        1
    );
    assert_eq!(
        flip.json("/v1/models/flip").await["versions"][0]["views"],
        2
    );
    assert_eq!(
        flip.json("/v1/models").await["models"][0]["versions"][0]["views"],
        2
    );

    let faces = ["angry", "happy", "sad"].map(face);
    let mirrored = faces.each_ref().map(|png| mirror_image(png));
    let predictions = async |app: &TestApp, faces: &[Vec<u8>]| {
        let (status, body) = send(app.classify_many("", faces.to_vec())).await;
        assert_eq!(status, 200, "{body}");
        body["predictions"].as_array().unwrap().clone()
    };
    let [of_faces, of_mirrored] = [
        predictions(&single, &faces).await,
        predictions(&single, &mirrored).await,
    ];
    for (averaged, (one, other)) in predictions(&flip, &faces)
        .await
        .iter()
        .zip(of_faces.iter().zip(&of_mirrored))
    {
        for label in [
            "angry", "disgust", "fear", "happy", "neutral", "sad", "surprise",
        ] {
            let of = |prediction: &Value| prediction["probabilities"][label].as_f64().unwrap();
            let mean = f64::midpoint(of(one), of(other));
            assert!(
                (of(averaged) - mean).abs() < 1e-5,
                "{label}: {averaged} {one} {other}"
            );
        }
    }
}

fn mirror_image(png: &[u8]) -> Vec<u8> {
    let mut mirrored = Cursor::new(Vec::new());
    let face = image::load_from_memory(png).unwrap().fliph();
    face.write_to(&mut mirrored, image::ImageFormat::Png)
        .unwrap();
    mirrored.into_inner()
}
