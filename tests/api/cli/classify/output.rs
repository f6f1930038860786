//! Formats and files of results.

use std::fs;

use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::Field,
};
use serde_json::json;

use super::{album, expected, mien, paths, rows, stdout, text};
use crate::evaluations::{LABELS, put};

#[test]
fn csv_and_json_lines_have_the_same_results() {
    let root = album();
    put(root.path(), "a \"bad\", file\n.png", b"text");
    let run = |format: &str| {
        let directory = text(root.path());
        let output = mien(&[
            "classify",
            "--model=small",
            "--max-batch=1",
            "--format",
            format,
            directory,
        ]);
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains("1 of 8 files cannot be read"), "{errors}");
        stdout(&output).to_owned()
    };
    let lines = rows(&run("jsonl"));
    let csv = run("csv");
    let mut csv = csv::Reader::from_reader(csv.as_bytes());
    let head =
        "file,label,confidence,angry,disgust,fear,happy,neutral,sad,surprise,error,model,version";
    assert_eq!(
        csv.headers().unwrap().iter().collect::<Vec<_>>().join(","),
        head
    );
    let records: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
    assert_eq!((records.len(), lines.len()), (8, 8));

    assert_eq!(
        lines[0]["file"],
        text(&root.path().join("a \"bad\", file\n.png"))
    );
    assert_eq!(lines[0]["error"], records[0][10]);
    assert!(lines[0].get("label").is_none() && lines[0].get("model").is_none());
    assert!(
        (1..10).all(|column| records[0][column].is_empty()),
        "{:?}",
        records[0]
    );
    for ((line, record), label) in lines.iter().zip(&records).skip(1).zip(LABELS) {
        let expected = expected("small", label);
        assert_eq!(
            line["file"],
            text(&root.path().join(format!("{label}.png")))
        );
        let fields = ["file", "label", "model", "version"].map(|key| line[key].as_str().unwrap());
        assert_eq!(fields, [&record[0], &expected, "small", "1"]);
        assert_eq!(fields, [0, 1, 11, 12].map(|column| &record[column]));
        let number = |column: usize| record[column].parse::<f64>().unwrap();
        let confidence = line["confidence"].as_f64().unwrap();
        assert!((number(2) - confidence).abs() < 1e-9, "{record:?}");
        for (index, name) in LABELS.into_iter().enumerate() {
            let probability = line["probabilities"][name].as_f64().unwrap();
            assert!((number(3 + index) - probability).abs() < 1e-9, "{record:?}");
        }
    }
}

#[test]
fn ending_of_output_selects_format() {
    let (root, to) = (album(), tempfile::tempdir().unwrap());
    let file = |name: &str| text(&to.path().join(name)).to_owned();
    let face = text(&root.path().join("sad.png")).to_owned();
    for (name, start) in [("r.csv", "file,label,"), ("r.jsonl", "{\"file\":")] {
        let output = mien(&["classify", "--output", &file(name), &face]);
        assert_eq!(
            (output.status.code(), output.stdout.len()),
            (Some(0), 0),
            "{output:?}"
        );
        let written = fs::read_to_string(file(name)).unwrap();
        assert!(written.starts_with(start), "{written}");
    }
    for (words, reason) in [
        (
            &["--output", &file("r.txt")][..],
            "choose the format with --format",
        ),
        (
            &["--output", &file("r.csv")],
            "continue it with --resume, delete it",
        ),
        (
            &["--output", &file("absent/r.csv")],
            "check that its directory exists",
        ),
        (
            &["--output", &file("t"), "--format=table", "--resume"],
            "other formats cannot be continued",
        ),
        (&["--format=parquet"], "parquet needs --output"),
    ] {
        let output = mien(&[&["classify", &face], words].concat());
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(reason), "{error}");
    }
    for words in [
        &["--json", "--format=csv"][..],
        &["--resume"],
        &["--format=xml"],
    ] {
        let output = mien(&[&["classify", &face], words].concat());
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
}

#[test]
fn results_are_in_the_order_of_the_input() {
    let root = album();
    // The first file takes longer than the others.
    let photo = fs::read(crate::helpers::fixture("photos/astronaut.jpg")).unwrap();
    put(root.path(), "photo.jpg", &photo);
    let mut all = vec![root.path().join("photo.jpg")];
    all.extend(paths(&root).into_iter().rev());
    let words: Vec<&str> = all.iter().map(|path| text(path)).collect();
    for workers in ["1", "7"] {
        let flags = ["classify", "--format=jsonl", "--workers", workers];
        let output = mien(&[&flags[..], &words].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let rows = rows(stdout(&output));
        let names: Vec<_> = rows.iter().map(|row| row["file"].clone()).collect();
        assert_eq!(json!(names), json!(words));
    }
}

#[test]
fn parquet_has_rows_of_csv() {
    let album = album();
    put(album.path(), "broken.png", b"text");
    let results = tempfile::tempdir().unwrap();
    let run = |name: &str| {
        let output = results.path().join(name);
        let words = [
            "classify",
            "--model=small",
            "--max-batch=1",
            "--output",
            text(&output),
        ];
        let done = mien(&[&words[..], &[text(album.path())]].concat());
        assert_eq!(done.status.code(), Some(3), "{done:?}");
        output
    };
    let parquet = fs::File::open(run("rows.parquet")).unwrap();
    let rows = SerializedFileReader::new(parquet).unwrap();
    let rows = rows.get_row_iter(None).unwrap();
    let field = |field: &Field| {
        if let Field::Str(text) = field {
            text.clone()
        } else if let Field::Float(number) = field {
            number.to_string()
        } else {
            assert_eq!(*field, Field::Null);
            String::new()
        }
    };
    let rows: Vec<Vec<String>> = rows
        .map(|row| {
            row.unwrap()
                .get_column_iter()
                .map(|(_, value)| field(value))
                .collect()
        })
        .collect();
    let mut csv = csv::Reader::from_path(run("rows.csv")).unwrap();
    let csv: Vec<Vec<String>> = csv
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect();
    assert_eq!(rows.len(), LABELS.len() + 1);
    assert_eq!(rows, csv);
}
