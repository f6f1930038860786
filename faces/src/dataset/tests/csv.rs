use std::fs;

use super::{message, names, put};
use crate::{
    dataset::{Dataset, Split},
    expression::Expression,
};

/// Faces of four pixels with the class codes of the file: 3 happy, 6 neutral, 4 sad.
const CSV: &str =
    "emotion,pixels,Usage\n3,1 2 3 4,Training\n6,9 8 7 6,PrivateTest\n4,0 0 0 255,PublicTest\n";

#[test]
fn csv_class_codes_are_mapped_to_expressions() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "fer2013.csv", CSV.as_bytes());
    for path in [root.path().to_owned(), root.path().join("fer2013.csv")] {
        let data = Dataset::open(&path).unwrap();
        let train = data.samples(Split::Train);
        assert_eq!(
            (names(train), train[0].expression),
            (vec!["fer2013.csv:2"], Expression::Happy)
        );
        let test = data.samples(Split::Test);
        assert_eq!(names(test), ["fer2013.csv:4", "fer2013.csv:3"]);
        assert_eq!(
            [test[0].expression, test[1].expression],
            [Expression::Sad, Expression::Neutral]
        );
        assert_eq!(test[0].load(2).unwrap().pixels(), [0, 0, 0, 255]);
        assert_eq!(test[1].load(2).unwrap().pixels(), [9, 8, 7, 6]);
    }
}

#[test]
fn csv_columns_may_be_reordered_and_quoted() {
    let root = tempfile::tempdir().unwrap();
    put(
        root.path(),
        "fer2013.csv",
        b"emotion, Usage, pixels\r\n0,PublicTest,\"1 2 3 4\"\r\n",
    );
    let data = Dataset::open(root.path()).unwrap();
    assert_eq!(
        data.samples(Split::Test)[0].load(2).unwrap().pixels(),
        [1, 2, 3, 4]
    );
}

#[test]
fn malformed_csv_error_names_line_and_remedy() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("fer2013.csv");
    for (text, expected) in [
        ("", "line 1: no column `emotion`"),
        ("emotion,pixels\n0,1 2 3 4\n", "line 1: no column `Usage`"),
        ("emotion,pixels,Usage\n", "the file has no rows"),
        (
            "emotion,pixels,Usage\n7,1,Training\n",
            "line 2: emotion `7`; expected 0 to 6",
        ),
        (
            "emotion,pixels,Usage\n1,1,Test\n",
            "line 2: Usage `Test`; expected Training",
        ),
        ("emotion,pixels,Usage\n1,1\n", "line 2"),
    ] {
        fs::write(&path, text).unwrap();
        let message = message(&path);
        assert!(
            message.contains("fer2013.csv") && message.contains(expected),
            "{message}"
        );
    }
}

#[test]
fn malformed_pixels_are_errors_of_their_sample() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("fer2013.csv");
    for (pixels, expected) in [
        ("1 2 3", "3 pixels"),
        ("1 2 3 256", "not a number"),
        ("", "0 pixels"),
    ] {
        fs::write(
            &path,
            format!("emotion,pixels,Usage\n1,{pixels},PublicTest\n"),
        )
        .unwrap();
        let error = Dataset::open(&path).unwrap().samples(Split::Test)[0]
            .load(2)
            .unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
