//! `/v1/datasets`: the data sets, and their faces by identifiers that do not reveal paths.

use mien_faces::image::{Limits, decode};
use serde_json::json;

use crate::{
    evaluations::{data_set, put, spawn},
    helpers::{assert_problem, face},
};

#[actix_web::test]
async fn data_sets_are_listed_with_splits() {
    let data = data_set();
    let source = format!("--data=more={}", data.path().display());
    let app = spawn(&data, &[&source]);
    let splits = json!({"train": 1, "test": 7, "PublicTest": 3, "PrivateTest": 4});
    let left_out = json!({"files": {}, "directories": [], "group_rows": 0});
    let expected = json!({"datasets": [
        {"name": "faces", "splits": splits, "groupings": [], "left_out": left_out},
        {"name": "more", "splits": splits, "groupings": [], "left_out": left_out},
    ]});
    assert_eq!(app.json("/v1/datasets").await, expected);
    let bare = crate::helpers::TestApp::spawn();
    assert_eq!(bare.json("/v1/datasets").await, json!({"datasets": []}));
}

#[actix_web::test]
async fn left_out_files_are_listed_by_extension() {
    let data = data_set();
    put(data.path(), "test/sad/notes.txt", b"text");
    put(data.path(), "test/sad/album/photo.jfif", &face("sad"));
    put(data.path(), "validation/sad/a.png", &face("sad"));
    let app = spawn(&data, &[]);
    let list = app.json("/v1/datasets").await;
    let faces = &list["datasets"][0];
    assert_eq!(faces["splits"]["test"], 8);
    assert_eq!(
        faces["left_out"],
        json!({"files": {"txt": 1}, "directories": ["validation"], "group_rows": 0})
    );
}

#[actix_web::test]
async fn face_is_returned_by_id_only() {
    let data = data_set();
    put(data.path(), "test/sad/broken.png", b"nonsense");
    let app = spawn(&data, &[]);
    // Python: hashlib.sha256(b"test/test/happy/PrivateTest_3.png").hexdigest()[:32]
    let id = "e960e87795d49c3f49066311faa7a353";
    let response = app.get(&format!("/v1/datasets/faces/images/{id}")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "image/png");
    assert_eq!(
        response.headers()["cache-control"],
        "private, max-age=86400"
    );
    let image = decode(&response.bytes().await.unwrap(), &Limits::default()).unwrap();
    assert_eq!((image.width(), image.height()), (48, 48));
    let original = decode(&face("happy"), &Limits::default()).unwrap();
    assert_eq!(image.to_face(48), original.to_face(48));

    // hashlib.sha256(b"test/test/sad/broken.png").hexdigest()[:32]
    let broken = "e73cfce726e9d335f39d2a61749b1cc5";
    for (path, code) in [
        (
            format!("/v1/datasets/faces/images/{broken}"),
            "unknown_image",
        ),
        (
            format!("/v1/datasets/faces/images/{}", id.to_uppercase()),
            "unknown_image",
        ),
        ("/v1/datasets/faces/images/nope".to_owned(), "unknown_image"),
        (
            "/v1/datasets/faces/images/..%2F..%2Ftest%2Fhappy".to_owned(),
            "unknown_image",
        ),
        (format!("/v1/datasets/more/images/{id}"), "unknown_dataset"),
    ] {
        assert_problem(app.get(&path).await, 404, code).await;
    }
}
