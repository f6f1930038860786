//! `--faces`: the faces in photos.

use serde_json::json;

use super::{files, mien, put, rows, stdout, text};
use crate::faces::{DETECTOR, composite};

#[test]
fn photo_has_one_row_per_face() {
    let album = tempfile::tempdir().unwrap();
    let two = composite(&[("happy", 40, 60, 120), ("surprise", 330, 140, 240)]);
    put(album.path(), "1.png", &two);
    put(album.path(), "2.png", &composite(&[]));
    put(album.path(), "3.png", &two[..two.len() / 2]);
    let run = |format: &str| {
        let output = mien(&[
            "classify",
            "--faces",
            DETECTOR,
            "--model=small",
            format,
            text(album.path()),
        ]);
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        stdout(&output).to_owned()
    };
    let rows = rows(&run("--format=jsonl"));
    assert_eq!(
        files(&rows, album.path()),
        ["1.png", "1.png", "2.png", "3.png"]
    );
    let numbers: Vec<_> = rows
        .iter()
        .map(|row| json!([row["face"], row["faces"]]))
        .collect();
    assert_eq!(
        json!(numbers),
        json!([[1, 2], [2, 2], [null, 0], [null, null]])
    );
    let size = |row: usize| rows[row]["box"]["width"].as_f64().unwrap();
    assert!(
        size(0) > size(1) && rows[0]["score"].as_f64().unwrap() > 0.7,
        "{rows:?}"
    );
    for row in &rows[..2] {
        let label = row["label"].as_str().unwrap();
        assert_eq!(row["confidence"], row["probabilities"][label]);
    }
    assert!(rows[2].get("label").is_none() && rows[2].get("error").is_none());
    assert!(rows[3]["error"].as_str().unwrap().contains("truncated"));

    let csv = run("--format=csv");
    let head = "file,face,faces,x,y,width,height,score,label,confidence,angry,";
    assert!(csv.starts_with(head), "{csv}");
    assert_eq!(csv.lines().count(), 5, "{csv}");
    let table = run("--format=table");
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(
        table.lines().nth(2).unwrap().starts_with("no face "),
        "{table}"
    );
}

#[test]
fn flags_of_search_select_faces() {
    let album = tempfile::tempdir().unwrap();
    let two = composite(&[("happy", 40, 60, 120), ("surprise", 330, 140, 240)]);
    put(album.path(), "1.png", &two);
    for (flag, expected) in [
        ("--min-score=0", 100),
        ("--min-score=1", 0),
        ("--min-size=150", 1),
        ("--max-faces=1", 1),
        ("--detector-size=320", 2),
    ] {
        let words = [
            "classify",
            "--faces",
            DETECTOR,
            "--model=small",
            "--format=jsonl",
            flag,
            text(album.path()),
        ];
        let rows = rows(stdout(&mien(&words)));
        assert_eq!(rows[0]["faces"], expected, "{flag}");
    }
}

#[test]
fn invalid_flags_of_search_are_rejected() {
    for (flags, reason) in [
        (&["--faces", "--min-score=1.1"][..], "a number from 0 to 1"),
        (&["--faces", "--min-size=-1"], "a number of pixels from 0"),
        (&["--faces", "--max-faces=257"], "must be 1 to 256"),
        (&["--faces", "--detector-size=641"], "320, 640 or 1280"),
    ] {
        let output = mien(&[&["classify", "x.png"], flags].concat());
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn flags_of_search_need_faces_or_video() {
    let output = mien(&["classify", "--min-score=0.8", "x.png"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("--faces or a video"), "{error}");
}

#[test]
fn missing_detector_is_an_error() {
    for (detector, reason) in [
        ("--detector=off", "--detector is off"),
        (
            "--detector=absent.onnx",
            "cannot use the face detector `absent.onnx`",
        ),
    ] {
        let output = mien(&["classify", "--faces", detector, "x.png"]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(reason), "{error}");
    }
}
