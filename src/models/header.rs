//! What a model file says of its accuracy, read without opening the model: it tells which of many to load first.
//!
//! An ONNX file is one protocol buffer message; its metadata are fields of the outermost level, so all others, the
//! graph with its weights among them, are skipped by their length.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader, Read, Seek},
    path::Path,
};

use super::manifest::Manifest;

/// `ModelProto.metadata_props`: entries of a key (field 1) and a value (field 2).
const METADATA: u64 = 14;
/// Entries longer than this are not read, in bytes.
const LONGEST: u64 = 1 << 20;

/// The accuracy on the whole test set that a file records, 0 to 1. `None` where it records none or cannot be read:
/// what is wrong with it shows when it is loaded.
pub(super) fn recorded_accuracy(path: &Path) -> Option<f64> {
    let metadata = metadata(BufReader::new(File::open(path).ok()?))?;
    let json = metadata.get("mien.accuracy")?;
    let accuracy: BTreeMap<String, f64> = serde_json::from_str(json).ok()?;
    accuracy.get(Manifest::TEST).copied()
}

/// Returns the metadata of a model file, or `None` if the file is not a protocol buffer message.
pub(crate) fn metadata(mut file: impl BufRead + Seek) -> Option<BTreeMap<String, String>> {
    let mut metadata = BTreeMap::new();
    while !file.fill_buf().ok()?.is_empty() {
        match tag(&mut file)? {
            (METADATA, Wire::Bytes(length)) if length <= LONGEST => {
                let mut entry = vec![0; usize::try_from(length).ok()?];
                file.read_exact(&mut entry).ok()?;
                let (key, value) = key_and_value(&entry)?;
                metadata.insert(key, value);
            }
            (_, Wire::Bytes(length)) => file.seek_relative(i64::try_from(length).ok()?).ok()?,
            (_, Wire::Number) => {}
        }
    }
    Some(metadata)
}

fn key_and_value(mut entry: &[u8]) -> Option<(String, String)> {
    let (mut key, mut value) = (String::new(), String::new());
    while !entry.is_empty() {
        let (field, Wire::Bytes(length)) = tag(&mut entry)? else {
            continue;
        };
        let (text, rest) = entry.split_at_checked(usize::try_from(length).ok()?)?;
        let text = || String::from_utf8(text.to_vec()).ok();
        match field {
            1 => key = text()?,
            2 => value = text()?,
            _ => {}
        }
        entry = rest;
    }
    Some((key, value))
}

/// What follows a field's tag.
enum Wire {
    /// A number, which has been read over.
    Number,
    /// So many bytes.
    Bytes(u64),
}

/// The number of the next field, and what it holds.
fn tag(bytes: &mut impl Read) -> Option<(u64, Wire)> {
    let tag = varint(bytes)?;
    let wire = match tag & 7 {
        0 => varint(bytes).map(|_| Wire::Number),
        1 => bytes.read_exact(&mut [0; 8]).ok().map(|()| Wire::Number),
        2 => varint(bytes).map(Wire::Bytes),
        5 => bytes.read_exact(&mut [0; 4]).ok().map(|()| Wire::Number),
        _ => None,
    };
    Some((tag >> 3, wire?))
}

/// Seven bits a byte, lowest first; the eighth says that more follow.
fn varint(bytes: &mut impl Read) -> Option<u64> {
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
    fn reads_what_real_files_record() {
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
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = metadata(Cursor::new(bytes));
        }

        #[test]
        fn a_cut_or_damaged_file_is_no_panic(at in 0_usize..8000, byte: u8) {
            let mut bytes = std::fs::read(fixture("small")).unwrap();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = metadata(Cursor::new(&bytes[..]));
            bytes.truncate(at);
            let _ = metadata(Cursor::new(bytes));
        }
    }
}
