//! `prepare` on real photos.

use std::{fs, path::Path};

use image::{GrayImage, imageops};
use mien_faces::image::{Limits, decode};

use crate::common::{run, succeeds};

/// The detector that `cargo xtask setup` installs.
const DETECTOR: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../.runtime/yunet/face_detection_yunet_2023mar.onnx"
);

/// Writes photos of one face, of two faces and of none, in folders of classes.
fn photos(directory: &Path) {
    let fixture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/photos/astronaut.jpg");
    let portrait = decode(&fs::read(fixture).unwrap(), &Limits::default()).unwrap();
    let portrait = GrayImage::from_raw(512, 512, portrait.pixels().to_vec()).unwrap();
    fs::create_dir_all(directory.join("happy")).unwrap();
    fs::create_dir_all(directory.join("sad")).unwrap();
    portrait.save(directory.join("happy/one.png")).unwrap();
    let mut two = GrayImage::new(1024, 512);
    imageops::replace(&mut two, &portrait, 0, 0);
    imageops::replace(&mut two, &portrait, 512, 0);
    two.save(directory.join("happy/two.png")).unwrap();
    GrayImage::new(64, 64)
        .save(directory.join("sad/none.png"))
        .unwrap();
    portrait.save(directory.join("sad/one.png")).unwrap();
}

#[test]
fn photos_become_data_set_with_report() {
    let root = tempfile::tempdir().unwrap();
    let (input, out) = (root.path().join("photos"), root.path().join("faces"));
    photos(&input);
    let arguments = [
        "prepare",
        "--photos",
        input.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
        "--detector",
        DETECTOR,
    ];
    let printed = succeeds(&arguments);
    assert!(printed.contains("4 photos, 3 faces written"), "{printed}");
    for file in [
        "train/happy/one.png.png",
        "train/happy/two.png.png",
        "train/sad/one.png.png",
    ] {
        let face = image::open(out.join(file)).unwrap();
        assert_eq!(
            (face.width(), face.height(), face.color()),
            (48, 48, image::ColorType::L8)
        );
    }
    let report = fs::read_to_string(out.join("photos.csv")).unwrap();
    assert!(
        report.contains("train/happy/two.png,largest of several faces,2,"),
        "{report}"
    );
    assert!(report.contains("train/sad/none.png,no face,0,"), "{report}");

    let again = run(&arguments);
    assert!(!again.status.success());
    assert!(String::from_utf8_lossy(&again.stderr).contains("is not empty"));
}

#[test]
fn photos_with_several_faces_can_be_left_out_and_damaged_ones_are_reported() {
    let root = tempfile::tempdir().unwrap();
    let (input, out) = (root.path().join("photos"), root.path().join("faces"));
    photos(&input);
    fs::write(input.join("sad/damaged.jpg"), "text").unwrap();
    let output = run(&[
        "prepare",
        "--photos",
        input.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
        "--several",
        "skip",
        "--detector",
        DETECTOR,
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!out.join("train/happy/two.png.png").exists());
    let report = fs::read_to_string(out.join("photos.csv")).unwrap();
    assert!(report.contains("left out, several faces"), "{report}");
    assert!(report.contains("damaged.jpg,unreadable,,"), "{report}");
}
