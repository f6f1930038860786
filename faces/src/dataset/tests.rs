use std::{fs, path::Path};

use proptest::prelude::*;

use super::{Dataset, DatasetError, Split, Usage};
use crate::expression::Expression;

/// A 48x48 gray picture of a real face.
const FACE: &[u8] = include_bytes!("../../tests/fixtures/mosaic.png.48.png");

fn put(root: &Path, name: &str, bytes: &[u8]) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn folder(names: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    names.iter().for_each(|name| put(root.path(), name, FACE));
    root
}

fn message(root: &Path) -> String {
    Dataset::open(root).unwrap_err().to_string()
}

fn names(samples: &[super::Sample]) -> Vec<&str> {
    samples.iter().map(|s| s.name.as_str()).collect()
}

#[test]
fn folders_are_listed_in_order_of_usage_class_and_name() {
    let root = folder(&[
        "test/sad/PublicTest_2.png",
        "test/sad/PublicTest_1.JPG",
        "test/happy/PrivateTest_1.png",
        "test/happy/mine.png",
        "test/happy/Thumbs.db",
        "test/happy/._PublicTest_9.png",
        "train/Fear/Training_7.png",
    ]);
    let data = Dataset::open(root.path()).unwrap();
    let public = ["test/sad/PublicTest_1.JPG", "test/sad/PublicTest_2.png"];
    let private = ["test/happy/PrivateTest_1.png"];
    assert_eq!(names(data.samples(Split::PublicTest)), public);
    assert_eq!(names(data.samples(Split::PrivateTest)), private);
    assert_eq!(
        names(data.samples(Split::Test)),
        [public[0], public[1], private[0], "test/happy/mine.png"]
    );
    let train = &data.samples(Split::Train)[0];
    assert_eq!(
        (train.expression, train.usage),
        (Expression::Fear, Usage::Training)
    );
    let face = data.samples(Split::Test)[0].load(48).unwrap();
    assert_eq!((face.side(), face.pixels().len()), (48, 48 * 48));
}

#[test]
fn samples_know_their_place_and_have_ids_that_tell_no_path() {
    let names = [
        "test/sad/PublicTest_2.png",
        "test/happy/a.png",
        "train/sad/Training_1.png",
    ];
    let (here, there) = (folder(&names), folder(&names[1..]));
    let (here, there) = (
        Dataset::open(here.path()).unwrap(),
        Dataset::open(there.path()).unwrap(),
    );
    let test = here.samples(Split::Test);
    assert_eq!(
        test.iter().map(super::Sample::position).collect::<Vec<_>>(),
        [0, 1]
    );
    assert_eq!(here.samples(Split::Train)[0].position(), 0);
    assert_eq!(here.samples(Split::PublicTest)[0].id(), test[0].id());
    // Python: hashlib.sha256(b"test/test/happy/a.png").hexdigest()[:32]
    assert_eq!(test[1].id(), "0f322c3042411078ba9b20c84ece4543");
    assert_eq!(there.samples(Split::Test)[0].id(), test[1].id());
    assert_eq!(
        there.samples(Split::Train)[0].id(),
        here.samples(Split::Train)[0].id()
    );
}

#[test]
fn usages_are_read_as_they_are_written() {
    for usage in [
        Usage::Training,
        Usage::PublicTest,
        Usage::PrivateTest,
        Usage::Unknown,
    ] {
        assert_eq!(usage.name().parse(), Ok(usage));
    }
    assert!("Test".parse::<Usage>().is_err());
}

#[test]
fn a_data_set_of_test_images_alone_has_no_training_images() {
    let root = folder(&["test/sad/a.png"]);
    let data = Dataset::open(root.path()).unwrap();
    assert_eq!(data.required(Split::Test).unwrap().len(), 1);
    let error = data.required(Split::Train).unwrap_err();
    assert!(
        matches!(
            error,
            DatasetError::EmptySplit {
                split: Split::Train,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn what_is_no_data_set_says_so() {
    let root = tempfile::tempdir().unwrap();
    assert!(message(&root.path().join("absent")).contains("absent`; check that it exists"));
    assert!(message(root.path()).contains("is no data set; expected the folders"));
    fs::create_dir(root.path().join("test")).unwrap();
    assert!(message(root.path()).contains("test` has no class folders"));
    fs::create_dir(root.path().join("test/angry")).unwrap();
    assert!(message(root.path()).contains("has no test images"));
    fs::create_dir(root.path().join("test/disgusted")).unwrap();
    assert!(message(root.path()).contains("disgusted` is not a class; name it angry"));
}

#[test]
fn an_image_that_cannot_be_read_is_named() {
    let root = folder(&["test/sad/good.png"]);
    put(root.path(), "test/sad/bad.png", &FACE[..FACE.len() / 2]);
    let data = Dataset::open(root.path()).unwrap();
    let error = data.samples(Split::Test)[0].load(48).unwrap_err();
    assert!(matches!(error, DatasetError::Image { .. }), "{error}");
    assert!(
        error.to_string().contains("sad/bad.png` cannot be decoded"),
        "{error}"
    );
    assert_eq!(error.cause(), "broken PNG picture: the file is cut off");
}

/// Four-pixel faces, in the file's own class codes: 3 happy, 6 neutral, 4 sad.
const CSV: &str =
    "emotion,pixels,Usage\n3,1 2 3 4,Training\n6,9 8 7 6,PrivateTest\n4,0 0 0 255,PublicTest\n";

#[test]
fn the_csv_speaks_its_own_class_codes() {
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
fn columns_may_come_in_another_order_with_spaces_and_quotes() {
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
fn a_malformed_csv_names_the_line_and_the_remedy() {
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
fn malformed_pixels_of_a_csv_are_an_error_of_their_sample() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("fer2013.csv");
    for (pixels, expected) in [
        ("1 2 3", "3 pixels"),
        ("1 2 3 256", "no number"),
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

#[test]
fn the_fingerprint_tells_names_labels_and_bytes_but_not_the_place() {
    let print = |files: &[(&str, &[u8])]| {
        let root = tempfile::tempdir().unwrap();
        files
            .iter()
            .for_each(|(name, bytes)| put(root.path(), name, bytes));
        Dataset::open(root.path())
            .unwrap()
            .fingerprint(Split::Test)
            .unwrap()
    };
    let one = print(&[("test/sad/a.png", b"x")]);
    assert_eq!(one, print(&[("test/sad/a.png", b"x")]));
    assert_eq!(one.len(), 64);
    for other in [
        print(&[("test/sad/a.png", b"y")]),
        print(&[("test/sad/b.png", b"x")]),
        print(&[("test/fear/a.png", b"x")]),
        print(&[("test/sad/a.png", b"x"), ("test/sad/b.png", b"")]),
    ] {
        assert_ne!(one, other);
    }
    // Training images do not touch the fingerprint of the test images.
    assert_eq!(
        one,
        print(&[("test/sad/a.png", b"x"), ("train/sad/b.png", b"z")])
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn a_subset_is_nested_and_in_proportion(
        counts in proptest::collection::vec(1_usize..12, 1..=7),
        limit in 0_usize..90,
    ) {
        let root = tempfile::tempdir().unwrap();
        for (expression, count) in Expression::ALL.iter().zip(&counts) {
            for n in 0..*count {
                put(root.path(), &format!("test/{expression}/{n}.png"), b"");
            }
        }
        let data = Dataset::open(root.path()).unwrap();
        let (subset, all) = (data.subset(Split::Test, limit), data.subset(Split::Test, usize::MAX));
        let total = counts.iter().sum::<usize>();
        prop_assert_eq!(all.len(), total);
        prop_assert_eq!(names(&subset), &names(&all)[..limit.min(total)]);
        for (expression, count) in Expression::ALL.iter().zip(&counts) {
            let got = subset.iter().filter(|s| s.expression == *expression).count() as f64;
            let fair = (limit.min(total) * count) as f64 / total as f64;
            // Every class rounds by half an image, the sum of all roundings shifts the shares, a tie adds one.
            let bound = 1.5 + 0.5 * (counts.len() * count) as f64 / total as f64;
            prop_assert!((got - fair).abs() <= bound, "{}: {} of a fair {}", expression, got, fair);
        }
    }
}
