use std::{fs, io::Cursor};

use proptest::prelude::*;

use super::*;

/// Encodes a field with bytes.
fn field(number: u64, bytes: &[u8]) -> Vec<u8> {
    let mut field = varint(number << 3 | 2);
    field.extend(varint(bytes.len() as u64));
    field.extend(bytes);
    field
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
    bytes
}

/// Encodes a tensor with external data.
fn tensor(location: &str) -> Vec<u8> {
    let entry = [field(1, b"location"), field(2, location.as_bytes())].concat();
    [field(13, &entry), vec![14 << 3, 1]].concat()
}

fn read(bytes: &[u8]) -> ExternalData {
    ExternalData::read(Cursor::new(bytes))
}

fn locations(model: &[u8]) -> Vec<String> {
    let external = read(model);
    assert!(external.is_complete);
    external.locations.into_iter().collect()
}

#[test]
fn locations_are_found_in_all_messages_with_tensors() {
    let path = |numbers: &[u64]| {
        let inner = tensor("x.data");
        numbers
            .iter()
            .rev()
            .fold(inner, |inner, &number| field(number, &inner))
    };
    for numbers in [
        &[7, 5][..],
        &[7, 15, 1],
        &[7, 15, 2],
        &[7, 1, 5, 5],
        &[7, 1, 5, 10],
        &[7, 1, 5, 22, 1],
        &[7, 1, 5, 6, 5],
        &[7, 1, 5, 11, 1, 5, 5],
        &[25, 7, 5, 5],
        &[25, 11, 5],
        &[20, 1, 5],
    ] {
        assert_eq!(locations(&path(numbers)), ["x.data"], "{numbers:?}");
    }
    let twice = [path(&[7, 5]), path(&[7, 5])].concat();
    assert_eq!(locations(&twice), ["x.data"]);
}

#[test]
fn fixtures_have_no_external_data() {
    for model in ["small", "tiny", "keras"] {
        let models = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/models");
        let path = Path::new(models).join(model).join("1/model.onnx");
        let external = ExternalData::of(&path).unwrap();
        assert!(external.is_complete && external.locations.is_empty());
    }
}

#[test]
fn invalid_or_deep_file_is_incomplete() {
    let model = field(7, &field(5, &tensor("x.data")));
    assert!(!read(&model[..model.len() - 1]).is_complete);
    assert!(!read(&[7 << 3 | 3]).is_complete);
    let mut deep = field(5, &tensor("x.data"));
    for _ in 0..40 {
        deep = field(1, &field(5, &field(6, &deep)));
    }
    assert!(!read(&field(7, &deep)).is_complete);
}

#[test]
fn files_must_be_inside_of_directory() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("1");
    fs::create_dir_all(directory.join("sub")).unwrap();
    for file in ["secret", "1/a.data", "1/sub/b.data"] {
        fs::write(root.path().join(file), "").unwrap();
    }
    std::os::unix::fs::symlink("../secret", directory.join("link")).unwrap();
    std::os::unix::fs::symlink("a.data", directory.join("own")).unwrap();
    let check = |location: &str| inside(&directory, location);
    for good in ["a.data", "./a.data", "sub/b.data", "own"] {
        assert!(check(good).is_ok(), "{good}");
    }
    let absolute = root.path().join("secret").display().to_string();
    for (location, reason) in [
        ("../secret", "outside"),
        ("sub/../../secret", "outside"),
        ("link", "outside"),
        (absolute.as_str(), "outside"),
        ("none", "`none` does not exist"),
        ("", "does not exist"),
        ("sub", "does not exist"),
    ] {
        let error = check(location).unwrap_err().to_string();
        assert!(error.contains(reason), "{location}: {error}");
        assert!(!error.contains(root.path().to_str().unwrap()), "{error}");
    }
}

proptest! {
    #[test]
    fn reading_any_bytes_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
        let _ = read(&field(7, &field(5, &bytes)));
    }
}

#[test]
fn paths_of_too_large_files_are_rejected() {
    let directory = tempfile::tempdir().unwrap();
    let file = fs::File::create(directory.path().join("x.data")).unwrap();
    let external = read(&field(7, &field(5, &tensor("x.data"))));
    file.set_len(MAX_SIZE).unwrap();
    assert!(external.paths(directory.path()).is_ok());
    file.set_len(MAX_SIZE + 1).unwrap();
    let error = external.paths(directory.path()).unwrap_err().to_string();
    assert!(error.contains("has 17179869185 bytes"), "{error}");
}
