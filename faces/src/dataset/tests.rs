mod color;
mod csv;

use std::{fs, path::Path};

use proptest::prelude::*;

use super::{Dataset, DatasetError, Split, Usage};
use crate::expression::Expression;

/// A 48x48 grayscale image of a real face.
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
fn files_are_listed_by_usage_class_and_name() {
    let root = folder(&[
        "test/sad/PublicTest_2.png",
        "test/sad/PublicTest_1.JPG",
        "test/happy/PrivateTest_1.png",
        "test/happy/mine.png",
        "test/happy/photo.jfif",
        "test/happy/no_extension",
        "test/happy/album/deeper/PrivateTest_2.png",
        "test/happy/._PublicTest_9.png",
        "train/Fear/Training_7.png",
    ]);
    put(root.path(), "test/happy/Thumbs.db", b"not an image");
    let data = Dataset::open(root.path()).unwrap();
    let public = ["test/sad/PublicTest_1.JPG", "test/sad/PublicTest_2.png"];
    let private = [
        "test/happy/PrivateTest_1.png",
        "test/happy/album/deeper/PrivateTest_2.png",
    ];
    assert_eq!(names(data.samples(Split::PublicTest)), public);
    assert_eq!(names(data.samples(Split::PrivateTest)), private);
    assert_eq!(
        names(data.samples(Split::Test)),
        [
            public[0],
            public[1],
            private[0],
            private[1],
            "test/happy/mine.png",
            "test/happy/no_extension",
            "test/happy/photo.jfif",
        ]
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
fn left_out_files_are_counted_by_extension() {
    let root = folder(&["test/sad/a.png", "train/sad/b.png", "test/c.png"]);
    for name in ["test/sad/x.TXT", "train/sad/y.txt", "train/sad/deep/z"] {
        put(root.path(), name, b"text");
    }
    put(root.path(), "README.md", b"text");
    put(root.path(), "validation/sad/d.png", FACE);
    let data = Dataset::open(root.path()).unwrap();
    let left_out = data.left_out();
    let files: Vec<_> = left_out
        .files
        .iter()
        .map(|(k, n)| (k.as_str(), *n))
        .collect();
    assert_eq!(files, [("other", 1), ("png", 1), ("txt", 2)]);
    assert_eq!(left_out.directories, ["validation"]);
    assert_eq!(
        left_out.to_string(),
        "4 files that are not images of a class (other: 1, png: 1, txt: 2); directories that are not splits: validation"
    );
    let complete = folder(&["test/sad/a.png"]);
    assert!(
        Dataset::open(complete.path())
            .unwrap()
            .left_out()
            .is_empty()
    );
}

#[test]
fn missing_split_error_names_other_directories() {
    let root = folder(&["train/sad/a.png", "validation/sad/b.png"]);
    let data = Dataset::open(root.path()).unwrap();
    let error = data.required(Split::Test).unwrap_err().to_string();
    assert!(
        error.contains("no test images") && error.contains("directories validation"),
        "{error}"
    );
    let root = folder(&["Train/sad/a.png", "valid/sad/b.png"]);
    assert!(message(root.path()).contains("it has the directories Train, valid"));
}

#[test]
fn samples_have_positions_and_stable_opaque_ids() {
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
fn usage_names_parse_back() {
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
fn data_set_may_have_test_images_only() {
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
fn invalid_data_set_is_rejected_with_remedy() {
    let root = tempfile::tempdir().unwrap();
    assert!(message(&root.path().join("absent")).contains("absent`; check that it exists"));
    assert!(message(root.path()).contains("is not a data set; expected the directories"));
    fs::create_dir(root.path().join("test")).unwrap();
    assert!(message(root.path()).contains("test` has no class directories"));
    fs::create_dir(root.path().join("test/angry")).unwrap();
    assert!(message(root.path()).contains("has no test images"));
    fs::create_dir(root.path().join("test/disgusted")).unwrap();
    assert!(message(root.path()).contains("disgusted` is not a class; name it angry"));
}

#[test]
fn unreadable_image_is_named() {
    let root = folder(&["test/sad/good.png"]);
    put(root.path(), "test/sad/bad.png", &FACE[..FACE.len() / 2]);
    let data = Dataset::open(root.path()).unwrap();
    let error = data.samples(Split::Test)[0].load(48).unwrap_err();
    assert!(matches!(error, DatasetError::Image { .. }), "{error}");
    assert!(
        error.to_string().contains("sad/bad.png` cannot be decoded"),
        "{error}"
    );
    assert_eq!(error.cause(), "invalid PNG image: the file is truncated");
}

#[test]
fn fingerprint_covers_names_labels_and_bytes_only() {
    let fingerprint = |files: &[(&str, &[u8])]| {
        let root = tempfile::tempdir().unwrap();
        files
            .iter()
            .for_each(|(name, bytes)| put(root.path(), name, bytes));
        Dataset::open(root.path())
            .unwrap()
            .fingerprint(Split::Test)
            .unwrap()
    };
    let one = fingerprint(&[("test/sad/a.png", b"x")]);
    assert_eq!(one, fingerprint(&[("test/sad/a.png", b"x")]));
    assert_eq!(one.len(), 64);
    for other in [
        fingerprint(&[("test/sad/a.png", b"y")]),
        fingerprint(&[("test/sad/b.png", b"x")]),
        fingerprint(&[("test/fear/a.png", b"x")]),
        fingerprint(&[("test/sad/a.png", b"x"), ("test/sad/b.png", b"")]),
    ] {
        assert_ne!(one, other);
    }
    // Training images do not change the fingerprint of the test images.
    assert_eq!(
        one,
        fingerprint(&[("test/sad/a.png", b"x"), ("train/sad/b.png", b"z")])
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn subset_is_nested_and_proportional(
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
            // Each class is rounded by half an image, the sum of the roundings shifts the shares, and a tie adds one image.
            let bound = 1.5 + 0.5 * (counts.len() * count) as f64 / total as f64;
            prop_assert!((got - fair).abs() <= bound, "{}: {} instead of about {}", expression, got, fair);
        }
    }
}
