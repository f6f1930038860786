//! Continuing a run that was killed.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{TempDir, album, mien, paths, put, text};
use crate::{
    eventually::TIMEOUT,
    faces::{DETECTOR, composite},
    helpers::fixture,
};

/// Flags with which the results do not depend on the batches.
const EXACT: [&str; 3] = ["classify", "--model=small", "--max-batch=1"];

/// Number of files of a long list.
const LONG: usize = 600;

/// Returns a list of `count` files and one that cannot be read.
fn list(album: &TempDir, count: usize) -> String {
    let paths = paths(album);
    let mut lines: Vec<&str> = paths
        .iter()
        .map(|path| text(path))
        .cycle()
        .take(count)
        .collect();
    lines.insert(count / 10, "absent.png");
    lines.join("\n") + "\n"
}

fn run(list: &Path, output: &Path, flags: &[&str]) -> Output {
    let files = ["--from", text(list), "--output", text(output)];
    mien(&[&EXACT[..], &files, flags].concat())
}

/// Starts a run on a list without an end, and kills it when its output has at least `lines` lines.
fn kill(list: &str, output: &Path, lines: usize) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mien"));
    command
        .args(EXACT)
        .args([
            "--from=-",
            "--device=cpu",
            "--output",
            text(output),
            "--models",
        ])
        .arg(fixture("models"))
        .stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(list.as_bytes()).unwrap();
    let start = Instant::now();
    while fs::read_to_string(output)
        .unwrap_or_default()
        .lines()
        .count()
        < lines
    {
        assert!(start.elapsed() < TIMEOUT, "the run writes {lines} lines");
        thread::sleep(Duration::from_millis(1));
    }
    // SIGKILL. The process still waits for the end of its input.
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().code(), None);
    drop(input);
}

#[test]
fn killed_run_continues_without_duplicates_or_gaps() {
    let album = album();
    let list_file = album.path().join("list.txt");
    let all = list(&album, LONG);
    fs::write(&list_file, &all).unwrap();
    for (ending, partial) in [("csv", "\"a name\nwith"), ("jsonl", "{\"file\":")] {
        let whole = album.path().join(format!("whole.{ending}"));
        assert_eq!(run(&list_file, &whole, &[]).status.code(), Some(3));
        let whole = fs::read_to_string(whole).unwrap();

        let output = album.path().join(format!("killed.{ending}"));
        kill(&all, &output, LONG / 8);
        let killed = fs::read_to_string(&output).unwrap();
        let complete = killed.rfind('\n').unwrap() + 1;
        assert!(whole.starts_with(&killed[..complete]));
        for partial in ["", partial] {
            fs::write(&output, format!("{}{partial}", &killed[..complete])).unwrap();
            let resumed = run(&list_file, &output, &["--resume"]);
            assert_eq!(resumed.status.code(), Some(3), "{resumed:?}");
            assert_eq!(
                fs::read_to_string(&output).unwrap(),
                whole,
                "{ending}, {partial}"
            );
        }
        // A complete file stays the same.
        assert_eq!(
            run(&list_file, &output, &["--resume"]).status.code(),
            Some(3)
        );
        assert_eq!(fs::read_to_string(&output).unwrap(), whole);
    }
}

#[test]
fn every_cut_of_the_output_can_be_continued() {
    let album = album();
    put(album.path(), "z,\n\"quoted\".png", b"text");
    let output = album.path().join("out.csv");
    let flags = ["--output", text(&output), "--resume"];
    let run = || mien(&[&EXACT[..], &flags, &[text(album.path())]].concat());
    assert_eq!(run().status.code(), Some(3));
    let whole = fs::read(&output).unwrap();
    let last_row = whole.len() - 60;
    for length in (0..whole.len())
        .step_by(41)
        .chain(last_row..whole.len())
        .step_by(7)
    {
        fs::write(&output, &whole[..length]).unwrap();
        let resumed = run();
        assert_eq!(resumed.status.code(), Some(3), "{length}: {resumed:?}");
        assert!(fs::read(&output).unwrap() == whole, "cut at {length}");
    }
}

#[test]
fn photo_with_missing_faces_is_searched_again() {
    let album = tempfile::tempdir().unwrap();
    let two = composite(&[("happy", 40, 60, 120), ("surprise", 330, 140, 240)]);
    for (name, photo) in [("1.png", &two), ("2.png", &composite(&[])), ("3.png", &two)] {
        put(album.path(), name, photo);
    }
    for ending in ["csv", "jsonl"] {
        let output = album.path().join(format!("out.{ending}"));
        let flags = ["--faces", DETECTOR, "--resume", "--output", text(&output)];
        let run = || mien(&[&EXACT[..], &flags, &[text(album.path())]].concat());
        assert_eq!(run().status.code(), Some(0));
        let whole = fs::read_to_string(&output).unwrap();
        let lines: Vec<&str> = whole.split_inclusive('\n').collect();
        assert_eq!(lines.len(), 5 + usize::from(ending == "csv"), "{whole}");
        for kept in 0..=lines.len() {
            fs::write(&output, lines[..kept].concat()).unwrap();
            let resumed = run();
            assert_eq!(resumed.status.code(), Some(0), "{resumed:?}");
            assert_eq!(fs::read_to_string(&output).unwrap(), whole, "{kept} lines");
        }
    }
}

#[test]
fn output_of_another_run_is_not_continued() {
    let album = album();
    let (list_file, output) = (album.path().join("list.txt"), album.path().join("out.csv"));
    let all = list(&album, 7);
    fs::write(&list_file, &all).unwrap();
    assert_eq!(run(&list_file, &output, &[]).status.code(), Some(3));
    let whole = fs::read(&output).unwrap();
    let lines: Vec<&str> = all.lines().collect();
    let reversed: Vec<&str> = lines.iter().rev().copied().collect();
    let other_model = String::from_utf8_lossy(&whole).replace(",small,1", ",small,9");
    for (list, content, flags, reason) in [
        (
            &lines[..3],
            &whole[..],
            &[][..],
            "and the list has only 3 files",
        ),
        (
            &reversed,
            &whole,
            &[],
            "continue it with the list that it was started with",
        ),
        (
            &lines,
            other_model.as_bytes(),
            &[],
            "its results are those of small@9",
        ),
        (
            &lines,
            &whole,
            &["--faces", DETECTOR],
            "its columns are file,label",
        ),
        (
            &lines,
            &whole,
            &["--format=jsonl"],
            "is not a result of `mien classify`",
        ),
        (
            &lines,
            &whole,
            &["--shard=2/2"],
            "continue it with the list",
        ),
        (
            &lines,
            &[&whole[..], b"a,b\n", &whole].concat(),
            &[],
            "has 2 fields instead of 13",
        ),
    ] {
        fs::write(&list_file, list.join("\n")).unwrap();
        fs::write(&output, content).unwrap();
        let resumed = run(&list_file, &output, &[&["--resume"], flags].concat());
        let error = String::from_utf8_lossy(&resumed.stderr);
        assert_eq!(resumed.status.code(), Some(1), "{flags:?}: {error}");
        assert!(error.contains(reason), "{flags:?}: {error}");
        assert!(
            fs::read(&output).unwrap() == content,
            "the file is not changed"
        );
    }
    fs::write(&output, &whole).unwrap();
    // A longer list with the same beginning continues.
    fs::write(&list_file, format!("{all}{}\n", lines[0])).unwrap();
    assert_eq!(
        run(&list_file, &output, &["--resume"]).status.code(),
        Some(3)
    );
    let rows = fs::read_to_string(&output).unwrap();
    assert_eq!(rows.lines().count(), 10, "{rows}");
}
