//! Which models are served, and why others are not.

use std::{collections::BTreeMap, fs, io::Cursor, path::Path};

use serde_json::{Value, json};

use crate::helpers::{self, TestApp, assert_problem, face, fixture, install, send, settings};

async fn startup_error(models: &Path, flags: &[&str]) -> String {
    let models = format!("--models={}", models.display());
    helpers::startup_error(&settings(&[&[models.as_str()], flags].concat())).await
}

#[actix_web::test]
async fn list_contains_default_and_failed_models() {
    let app = TestApp::spawn();
    insta::assert_json_snapshot!(app.json("/v1/models").await);
}

#[actix_web::test]
async fn model_has_documented_shape() {
    let app = TestApp::spawn_with(&["--instances=1", "--intra-op-threads=1"]);
    insta::assert_json_snapshot!("model_small", app.json("/v1/models/small").await);
    insta::assert_json_snapshot!("model_keras", app.json("/v1/models/keras").await);
    insta::assert_json_snapshot!("model_broken", app.json("/v1/models/broken").await);
    assert_problem(app.get("/v1/models/nope").await, 404, "unknown_model").await;
}

#[actix_web::test]
async fn default_model_is_set_or_most_accurate() {
    let default = async |flags: &[&str]| {
        let app = TestApp::spawn_with(flags);
        send(app.classify("", face("happy"))).await.1["model"].clone()
    };
    assert_eq!(default(&[]).await, "small");
    assert_eq!(default(&["--default-model=tiny"]).await, "tiny");
    assert_eq!(default(&["--default-model=keras@1"]).await, "keras");
    for wrong in [
        "--default-model=nope",
        "--default-model=small@2",
        "--default-model=broken",
    ] {
        let error = startup_error(&fixture("models"), &[wrong]).await;
        assert!(error.contains("default model"), "{error}");
    }
}

#[actix_web::test]
async fn highest_loadable_version_serves() {
    let root = tempfile::tempdir().unwrap();
    install(root.path(), "m", "2", "small");
    install(root.path(), "m", "9", "tiny");
    install(root.path(), "m", "10", "tiny");
    install(root.path(), "m", "11", "broken");
    let models = format!("--models={}", root.path().display());
    let versions = |list: &Value| -> Vec<(String, String)> {
        let list = list["models"][0]["versions"].as_array().unwrap();
        let text = |v: &Value| v.as_str().unwrap().to_owned();
        list.iter()
            .map(|v| (text(&v["version"]), text(&v["status"])))
            .collect()
    };
    let pair = |version: &str, status: &str| (version.to_owned(), status.to_owned());

    let app = TestApp::spawn_with(&[&models]);
    // The next lower version is loaded after the highest has failed.
    app.until_versions("m", &["2 unloaded", "9 unloaded", "10 ready", "11 failed"])
        .await;
    let list = app.json("/v1/models").await;
    let unloaded = [pair("2", "unloaded"), pair("9", "unloaded")];
    let loaded = [pair("10", "ready"), pair("11", "failed")];
    assert_eq!(versions(&list), [unloaded, loaded].concat());
    assert_eq!(
        send(app.classify("", face("happy"))).await.1["version"],
        "10"
    );

    let app = TestApp::spawn_with(&[&models, "--default-model=m@2"]);
    assert_eq!(
        send(app.classify("", face("happy"))).await.1["version"],
        "2"
    );
    assert_eq!(
        send(app.classify("?model=m", face("happy"))).await.1["version"],
        "10"
    );

    let app = TestApp::spawn_with(&[&models, "--version-policy=all"]);
    let list = app.json("/v1/models").await;
    let ready = ["2", "9", "10"].map(|version| pair(version, "ready"));
    assert_eq!(
        versions(&list),
        [&ready[..], &[pair("11", "failed")]].concat()
    );
    for version in ["2", "9", "10"] {
        let request = app.classify(&format!("?version={version}"), face("happy"));
        assert_eq!(send(request).await.1["version"], version);
    }
}

#[actix_web::test]
async fn config_file_overrides_serving_options() {
    let root = tempfile::tempdir().unwrap();
    install(root.path(), "m", "1", "small");
    let sidecar = "labels = ['a', 'b', 'c', 'd', 'e', 'f', 'g']\ninstances = 3\nintra_op_threads = 2\nmax_batch = 5\n";
    fs::write(root.path().join("m/1/mien.toml"), sidecar).unwrap();
    let app = TestApp::spawn_with(&[&format!("--models={}", root.path().display())]);
    let version = &app.json("/v1/models/m").await["versions"][0];
    assert_eq!(
        version["labels"],
        json!(["a", "b", "c", "d", "e", "f", "g"])
    );
    let serving = &version["serving"];
    assert_eq!(
        (
            &serving["instances"],
            &serving["intra_op_threads"],
            &serving["max_batch"]
        ),
        (&json!(3), &json!(2), &json!(5))
    );
    assert_eq!(
        send(app.classify("", face("happy"))).await.1["predictions"][0]["label"],
        "c"
    );
}

#[actix_web::test]
async fn invalid_model_fails_with_reason() {
    let reason = async |sidecar: &str, from: &str| {
        let root = tempfile::tempdir().unwrap();
        install(root.path(), "m", "1", from);
        let path = root.path().join("m/1/mien.toml");
        if sidecar.is_empty() {
            let _ = fs::remove_file(path);
        } else {
            fs::write(path, sidecar).unwrap();
        }
        startup_error(root.path(), &[]).await
    };
    for (sidecar, from, expected) in [
        ("", "keras", "no labels"),
        ("labels = ['a', 'b']", "keras", "7 classes, but 2 labels"),
        (
            "labels = ['a', 'a', 'c', 'd', 'e', 'f', 'g']",
            "keras",
            "twice",
        ),
        ("scale = 1.0", "small", "uint8"),
        ("output = 'probability'", "small", "mien.toml"),
        ("labels", "small", "mien.toml"),
    ] {
        let error = reason(sidecar, from).await;
        assert!(error.contains("m@1") && error.contains(expected), "{error}");
    }
}

#[actix_web::test]
async fn config_file_sets_output_kind() {
    let root = tempfile::tempdir().unwrap();
    install(root.path(), "m", "1", "keras");
    let labels = fs::read_to_string(fixture("models/keras/1/mien.toml")).unwrap();
    // If probabilities are read as logits, the softmax flattens them, but the result is still a distribution.
    fs::write(
        root.path().join("m/1/mien.toml"),
        format!("{labels}output = 'logits'\n"),
    )
    .unwrap();
    let app = TestApp::spawn_with(&[&format!("--models={}", root.path().display())]);
    let body = send(app.classify("", face("happy"))).await.1;
    let confidence = body["predictions"][0]["confidence"].as_f64().unwrap();
    assert!(
        confidence < 0.33,
        "a softmax over probabilities is at most e / (e + 6): {body}"
    );
}

#[actix_web::test]
async fn startup_fails_without_loadable_model() {
    let empty = tempfile::tempdir().unwrap();
    assert!(
        startup_error(empty.path(), &[])
            .await
            .contains("<name>/<version>/model.onnx")
    );
    assert!(
        startup_error(&empty.path().join("none"), &[])
            .await
            .contains("--models")
    );
    install(empty.path(), "m", "1", "broken");
    let error = startup_error(empty.path(), &[]).await;
    assert!(
        error.contains("m@1") && error.contains("can be served"),
        "{error}"
    );
}

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
    let answers = async |app: &TestApp, faces: &[Vec<u8>]| {
        let (status, body) = send(app.classify_many("", faces.to_vec())).await;
        assert_eq!(status, 200, "{body}");
        body["predictions"].as_array().unwrap().clone()
    };
    let [of_faces, of_mirrored] = [
        answers(&single, &faces).await,
        answers(&single, &mirrored).await,
    ];
    for (averaged, (one, other)) in answers(&flip, &faces)
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
