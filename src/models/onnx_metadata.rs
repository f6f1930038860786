//! Reads the metadata of an ONNX file without opening a session. The recorded accuracy determines which model is loaded
//! first.
//!
//! An ONNX file is one protocol buffer message, and the metadata are fields of its outermost level. This module has a reader
//! of its own because `prost` decodes from memory: it would read the whole file, whose graph with the weights may have
//! hundreds of megabytes. This reader seeks past all other fields and limits the length of the fields that it reads.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Seek},
    path::Path,
};

use super::{manifest::Manifest, regular_file};

/// Field number of `ModelProto.metadata_props`, whose entries have a key (field 1) and a value (field 2).
const METADATA_PROPS: u64 = 14;
/// Maximum length of an entry in bytes. Longer entries are skipped.
pub(super) const MAX_ENTRY_LENGTH: u64 = 1 << 20;

/// Returns the accuracy on the whole test set that a file records, 0 to 1. Returns `None` if there is none, and for invalid
/// files, because loading the model reports their errors.
pub(super) fn recorded_accuracy(path: &Path) -> Option<f64> {
    let metadata = metadata(BufReader::new(regular_file::open_model(path).ok()?))?;
    let json = metadata.get("mien.accuracy")?;
    let accuracy: BTreeMap<String, f64> = serde_json::from_str(json).ok()?;
    accuracy.get(Manifest::TEST).copied()
}

/// Returns the metadata of a model file, or `None` if the file is not a protocol buffer message.
pub(crate) fn metadata(mut file: impl BufRead + Seek) -> Option<BTreeMap<String, String>> {
    let mut metadata = BTreeMap::new();
    while !file.fill_buf().ok()?.is_empty() {
        match read_tag(&mut file)? {
            (METADATA_PROPS, Field::Bytes(length)) if length <= MAX_ENTRY_LENGTH => {
                let mut entry = vec![0; usize::try_from(length).ok()?];
                file.read_exact(&mut entry).ok()?;
                let (key, value) = parse_entry(&entry)?;
                metadata.insert(key, value);
            }
            (_, Field::Bytes(length)) => file.seek_relative(i64::try_from(length).ok()?).ok()?,
            (_, Field::Number(_)) => {}
        }
    }
    Some(metadata)
}

/// Returns key and value of a `StringStringEntryProto`, such as an entry of `metadata_props`.
pub(super) fn parse_entry(mut entry: &[u8]) -> Option<(String, String)> {
    let (mut key, mut value) = (String::new(), String::new());
    while !entry.is_empty() {
        let (number, Field::Bytes(length)) = read_tag(&mut entry)? else {
            continue;
        };
        let (text, rest) = entry.split_at_checked(usize::try_from(length).ok()?)?;
        let text = || String::from_utf8(text.to_vec()).ok();
        match number {
            1 => key = text()?,
            2 => value = text()?,
            _ => {}
        }
        entry = rest;
    }
    Some((key, value))
}

/// The content of a field.
pub(super) enum Field {
    /// A number. Numbers of fixed length are returned as 0.
    Number(u64),
    /// Bytes of this length, which follow.
    Bytes(u64),
}

/// Reads the tag of the next field. Returns the number of the field, which is not 0, and its content.
pub(super) fn read_tag(bytes: &mut impl Read) -> Option<(u64, Field)> {
    let tag = read_varint(bytes)?;
    let field = match tag & 7 {
        0 => read_varint(bytes).map(Field::Number),
        1 => bytes
            .read_exact(&mut [0; 8])
            .ok()
            .map(|()| Field::Number(0)),
        2 => read_varint(bytes).map(Field::Bytes),
        5 => bytes
            .read_exact(&mut [0; 4])
            .ok()
            .map(|()| Field::Number(0)),
        _ => None,
    };
    let number = tag >> 3;
    (number != 0).then_some((number, field?))
}

/// Reads a variable-length integer: 7 bits per byte, lowest first; the highest bit is set if another byte follows.
fn read_varint(bytes: &mut impl Read) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let mut byte = [0];
        bytes.read_exact(&mut byte).ok()?;
        value |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn fixture(name: &str) -> std::path::PathBuf {
        let models = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/models");
        Path::new(models).join(name).join("1/model.onnx")
    }

    #[test]
    fn recorded_accuracy_of_fixtures_is_read() {
        assert_eq!(recorded_accuracy(&fixture("small")), Some(0.2));
        assert_eq!(recorded_accuracy(&fixture("tiny")), Some(0.1));
        for without in ["keras", "broken", "none"] {
            assert_eq!(recorded_accuracy(&fixture(without)), None, "{without}");
        }
        let bytes = std::fs::read(fixture("small")).unwrap();
        let metadata = metadata(Cursor::new(bytes)).unwrap();
        assert_eq!(metadata["mien.architecture"], "fixture");
        assert_eq!(metadata.len(), 8);
    }

    proptest! {
        #[test]
        fn reading_any_bytes_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = metadata(Cursor::new(bytes));
        }

        #[test]
        fn reading_damaged_file_never_panics(at in 0_usize..8000, byte: u8) {
            let mut bytes = std::fs::read(fixture("small")).unwrap();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = metadata(Cursor::new(&bytes[..]));
            bytes.truncate(at);
            let _ = metadata(Cursor::new(bytes));
        }
    }
}
