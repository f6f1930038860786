use std::{fs, path::Path};

use proptest::prelude::*;

use super::*;
use crate::dataset::{Dataset, Split};

const FACE: &[u8] = include_bytes!("../../../tests/fixtures/mosaic.png.48.png");

fn parse(text: &str) -> Result<ImageGroups, String> {
    let parsed = ImageGroups::parse(Path::new("groups.csv"), text.as_bytes());
    parsed.map_err(|error| error.to_string())
}

/// Returns a data set with two test images, a training image and this `groups.csv`.
fn data_set(groups: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for name in ["test/sad/1.png", "test/happy/2.png", "train/sad/3.png"] {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, FACE).unwrap();
    }
    fs::write(root.path().join(FILE_NAME), groups).unwrap();
    root
}

fn of_split(data: &Dataset, split: Split) -> Vec<(String, Vec<Option<String>>)> {
    let samples = data.samples(split);
    let groupings = data.groupings(samples.iter().map(|s| s.name.as_str()));
    let groups = |grouping: &Grouping| {
        let names = (0..samples.len()).map(|image| grouping.name_of(image).map(str::to_owned));
        (grouping.name().to_owned(), names.collect())
    };
    groupings.iter().map(groups).collect()
}

#[test]
fn groups_are_read_per_image() {
    let root = data_set(
        "image, light, age\r\ntest/sad/1.png, indoor,\r\ntest/happy/2.png,\"out, sunny\",\r\ntrain/sad/3.png,,18–29\r\n",
    );
    let data = Dataset::open(root.path()).unwrap();
    assert_eq!(data.grouping_names(), ["light", "age"]);
    assert!(data.left_out().is_empty());
    let group = |name: &str| Some(name.to_owned());
    // The test images are sorted by class: happy, sad.
    let light = vec![group("out, sunny"), group("indoor")];
    assert_eq!(
        of_split(&data, Split::Test),
        [("light".to_owned(), light)],
        "age has no group of a test image"
    );
    let age = vec![group("18–29")];
    assert_eq!(of_split(&data, Split::Train), [("age".to_owned(), age)]);
}

#[test]
fn rows_without_image_are_counted() {
    let root = data_set("image,light\ntest/sad/1.png,indoor\ntest/sad/9.png,indoor\nx,\n");
    let data = Dataset::open(root.path()).unwrap();
    assert_eq!(data.left_out().group_rows, 2);
    let text = data.left_out().to_string();
    assert_eq!(text, "2 rows of groups.csv whose image does not exist");
    let light = vec![None, Some("indoor".to_owned())];
    assert_eq!(
        of_split(&data, Split::Test),
        [("light".to_owned(), light)],
        "images without a row do not have a group"
    );
}

#[test]
fn lines_of_fer2013_csv_have_groups() {
    let root = tempfile::tempdir().unwrap();
    let csv = "emotion,pixels,Usage\n3,1 2 3 4,PublicTest\n";
    fs::write(root.path().join("fer2013.csv"), csv).unwrap();
    let groups = "image,light\nfer2013.csv:2,indoor\n";
    fs::write(root.path().join(FILE_NAME), groups).unwrap();
    for path in [root.path().to_owned(), root.path().join("fer2013.csv")] {
        let data = Dataset::open(&path).unwrap();
        let light = vec![Some("indoor".to_owned())];
        assert_eq!(of_split(&data, Split::Test), [("light".to_owned(), light)]);
    }
}

#[test]
fn invalid_file_is_error_with_line_and_remedy() {
    let many = |count: usize, item: fn(usize) -> String| (0..count).map(item).collect::<String>();
    let columns = format!("image{}\n", many(MAX_GROUPINGS + 1, |n| format!(",g{n}")));
    let groups = format!(
        "image,camera\n{}",
        many(MAX_GROUPS + 1, |n| format!("{n}.png,{n}\n"))
    );
    for (text, line, reason) in [
        ("", 1, "the first column is \"\"; expected `image`"),
        ("image;age\na;b\n", 1, "\"image;age\"; expected `image`"),
        ("age,image\n", 1, "the first column is \"age\""),
        ("image\n", 1, "the file has no groupings; add a column"),
        (&columns, 1, "the file has 17 groupings; remove columns"),
        ("image,age,age\n", 1, "`age` has two columns; remove one"),
        (
            "image,blur\n",
            1,
            "\"blur\" is the name of a built-in grouping",
        ),
        ("image,a b\n", 1, "\"a b\" has the character ' '; use ASCII"),
        ("image,a,\n", 1, "\"\" is empty; give the column a name"),
        ("image,age\n", 0, "the file has no rows; add a row"),
        ("image,age\nx,1\n,2\n", 3, "the image is empty; fill it in"),
        ("image,age\nx,1\nx,2\n", 3, "\"x\" has two rows; remove one"),
        ("image,age\nx,\u{7}\n", 2, "has the character '\\u{7}'; use"),
        (&groups, 66, "\"64\" is group 65 of `camera`; combine"),
        ("image,age\nx\n", 2, "found record with 1 field"),
    ] {
        let error = parse(text).unwrap_err();
        let place = format!("`groups.csv`, line {line}: ");
        assert!(error.starts_with(&place), "{text:?}: {error}");
        assert!(error.contains(reason), "{text:?}: {error}");
    }
    let not_text = ImageGroups::parse(Path::new("groups.csv"), b"image,age\n\xff,1\n");
    let error = not_text.unwrap_err().to_string();
    assert!(
        error.contains("line 2") && error.contains("UTF-8"),
        "{error}"
    );
    let root = data_set("image\n");
    assert!(Dataset::open(root.path()).is_err());
}

#[test]
fn file_above_size_limit_is_rejected() {
    let root = data_set("");
    let file = File::create(root.path().join(FILE_NAME)).unwrap();
    file.set_len(MAX_BYTES + 1).unwrap();
    let error = Dataset::open(root.path()).unwrap_err().to_string();
    assert!(error.contains("larger than 64 MiB; remove"), "{error}");
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = ImageGroups::parse(Path::new("groups.csv"), &bytes);
    }

    #[test]
    fn arbitrary_fields_do_not_panic(text in "image,[a-z,\n\" é\u{0}-\u{20}]{0,80}") {
        let _ = ImageGroups::parse(Path::new("groups.csv"), text.as_bytes());
    }

    #[test]
    fn written_groups_read_back(rows in prop::collection::btree_map("[a-z]{1,4}", "[a-z ,\"–]{0,6}", 1..20)) {
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        writer.write_record(["image", "kind"]).unwrap();
        for (image, group) in &rows {
            writer.write_record([image, group]).unwrap();
        }
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        let groups = parse(&text).unwrap();
        let groupings = groups.of_images(rows.keys().map(String::as_str));
        for (index, group) in rows.values().enumerate() {
            let expected = Some(group.trim()).filter(|group| !group.is_empty());
            let found = groupings.first().and_then(|grouping| grouping.name_of(index));
            prop_assert_eq!(found, expected);
        }
    }
}
