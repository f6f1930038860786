//! `mien classify`.

mod faces;
mod inputs;
mod output;
mod resume;
mod server;
mod video;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{json_of, mien, stdout};
use crate::{
    evaluations::{LABELS, expected, put},
    helpers::{face, fixture},
};

/// Creates a directory with one face per label.
fn album() -> TempDir {
    let album = tempfile::tempdir().unwrap();
    for label in LABELS {
        put(album.path(), &format!("{label}.png"), &face(label));
    }
    album
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Returns the paths of the faces of an album, in order.
fn paths(album: &TempDir) -> Vec<PathBuf> {
    let path = |label| album.path().join(format!("{label}.png"));
    LABELS.into_iter().map(path).collect()
}

/// Parses JSON lines.
fn rows(lines: &str) -> Vec<Value> {
    let lines = lines.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Returns the files of rows relative to a directory.
fn files(rows: &[Value], root: &Path) -> Vec<String> {
    let name = |row: &Value| {
        let path = Path::new(row["file"].as_str().unwrap());
        text(path.strip_prefix(root).unwrap()).to_owned()
    };
    rows.iter().map(name).collect()
}

#[test]
fn classify_prints_one_line_per_file() {
    let files = ["happy", "sad", "fear"].map(|class| fixture(&format!("faces/{class}.png")));
    let names = files.each_ref().map(|file| file.to_str().unwrap());
    let words = [&["classify", "--json", "--model=small"], &names[..]].concat();
    let output = mien(&words);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let body = json_of(&output);
    assert_eq!(
        json!([body["model"], body["version"]]),
        json!(["small", "1"])
    );
    for (index, class) in ["happy", "sad", "fear"].into_iter().enumerate() {
        let prediction = &body["predictions"][index];
        assert_eq!(prediction["file"], names[index]);
        assert_eq!(prediction["label"], expected("small", class));
        assert_eq!(
            prediction["confidence"],
            prediction["probabilities"][expected("small", class)]
        );
    }

    let output = mien(&[&["classify"], &names[..]].concat());
    let lines: Vec<&str> = stdout(&output).lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(
        lines[0].starts_with(&expected("small", "happy")) && lines[0].ends_with(names[0]),
        "{lines:?}"
    );
}

#[test]
fn unreadable_file_does_not_stop_classify() {
    let directory = tempfile::tempdir().unwrap();
    let png = face("happy");
    put(directory.path(), "cut.png", &png[..png.len() / 2]);
    put(directory.path(), "good.png", &face("happy"));
    let names = ["cut.png", "absent.png", "good.png"].map(|name| directory.path().join(name));
    let names = names.each_ref().map(|name| name.to_str().unwrap());
    let output = mien(&[&["classify", "--json"], &names[..]].concat());
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let predictions = &json_of(&output)["predictions"];
    assert_eq!(
        predictions[0]["error"],
        "invalid PNG image: the file is truncated"
    );
    assert!(
        predictions[1]["error"]
            .as_str()
            .unwrap()
            .contains("No such file"),
        "{predictions}"
    );
    assert_eq!(predictions[2]["label"], expected("small", "happy"));

    let output = mien(&[&["classify"], &names[..]].concat());
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(stdout(&output).lines().count(), 1, "{output:?}");
    let errors = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<&str> = errors.lines().collect();
    assert_eq!(
        lines[0],
        format!("{}: invalid PNG image: the file is truncated", names[0])
    );
    assert!(lines[1].starts_with(names[1]), "{errors}");
    assert_eq!(lines.len(), 2, "logs of the server are not printed");
}
