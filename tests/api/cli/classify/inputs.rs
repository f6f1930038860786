//! The list of files.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use super::{album, files, mien, rows, stdout, text};
use crate::{
    evaluations::{LABELS, put},
    helpers::{face, fixture},
};

/// Classifies paths and returns the names of the rows relative to a directory.
fn listed(words: &[&str], root: &Path) -> Vec<String> {
    let output = mien(&[&["classify", "--format=jsonl"], words].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    files(&rows(stdout(&output)), root)
}

#[test]
fn directory_lists_images_by_content_in_order() {
    let root = tempfile::tempdir().unwrap();
    let png = face("happy");
    for name in [
        "b/2.png",
        "b/1.png",
        "a/deep/no_extension",
        "c.JPG",
        ".hidden/x.png",
    ] {
        put(root.path(), name, &png);
    }
    put(root.path(), "a/notes.txt", b"text");
    #[cfg(unix)]
    std::os::unix::fs::symlink(root.path(), root.path().join("b/loop")).unwrap();
    let output = mien(&["classify", "--format=jsonl", text(root.path())]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let names = files(&rows(stdout(&output)), root.path());
    assert_eq!(
        names,
        ["a/deep/no_extension", "b/1.png", "b/2.png", "c.JPG"]
    );
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        errors.contains("1 files in directories are not images"),
        "{errors}"
    );
}

#[test]
fn pattern_lists_matching_files() {
    let root = album();
    put(root.path(), "deep/er/sad.png", &face("sad"));
    put(root.path(), "[1].png", &face("sad"));
    let of = |pattern: &str| {
        let pattern = root.path().join(pattern);
        listed(&[text(&pattern)], root.path())
    };
    assert_eq!(of("s*.png"), ["sad.png", "surprise.png"]);
    assert_eq!(of("**/sad.png"), ["deep/er/sad.png", "sad.png"]);
    assert_eq!(of("d*"), ["deep/er/sad.png", "disgust.png"]);
    assert_eq!(
        of("[1].png"),
        ["[1].png"],
        "an existing path is not a pattern"
    );
}

#[test]
fn pattern_without_match_is_unreadable() {
    let root = album();
    let pattern = root.path().join("*.jpg");
    let output = mien(&[
        "classify",
        text(&pattern),
        text(&root.path().join("sad.png")),
    ]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!(stdout(&output).lines().count(), 1, "{output:?}");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        errors.contains("*.jpg: no file matches the pattern"),
        "{errors}"
    );
}

#[test]
fn list_is_read_from_file_or_standard_input() {
    let root = album();
    put(root.path(), "deep/er/sad.png", &face("sad"));
    let path = |name: &str| text(&root.path().join(name)).to_owned();
    let list = format!(
        "{}\r\n\n{}\n{}",
        path("sad.png"),
        path("deep"),
        path("fear.png")
    );
    let expected = ["sad.png", "deep/er/sad.png", "fear.png"];
    put(root.path(), "list.txt", list.as_bytes());
    assert_eq!(
        listed(&["--from", &path("list.txt")], root.path()),
        expected
    );

    let mut command = Command::new(env!("CARGO_BIN_EXE_mien"));
    command
        .args([
            "classify",
            "--format=jsonl",
            "--from=-",
            "--device=cpu",
            "--models",
        ])
        .arg(fixture("models"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(list.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(files(&rows(stdout(&output)), root.path()), expected);

    let output = mien(&["classify", "--from", &path("absent.txt")]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("cannot read the list"), "{errors}");
    assert_eq!(
        mien(&["classify", "--from", &path("list.txt"), "x.png"])
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn shards_contain_each_file_once() {
    let root = album();
    fs::create_dir(root.path().join("empty")).unwrap();
    let mut all = Vec::new();
    for shard in ["1/3", "2/3", "3/3"] {
        let part = listed(&["--shard", shard, text(root.path())], root.path());
        assert!((2..=3).contains(&part.len()), "{part:?}");
        all.extend(part);
    }
    all.sort();
    assert_eq!(all, LABELS.map(|label| format!("{label}.png")));
    let output = mien(&["classify", "--shard=4/3", text(root.path())]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}
