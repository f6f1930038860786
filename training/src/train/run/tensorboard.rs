//! TensorBoard event file with one record of scalars per epoch.
//!
//! The format is TFRecord (`tensorflow/core/lib/io/record_writer.h`): length, masked CRC-32C of the length, content,
//! masked CRC-32C of the content. The content is an `Event` message of `tensorflow/core/util/event.proto`. This file
//! declares only the fields that it uses.

use std::{
    fs::OpenOptions,
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use crc::{CRC_32_ISCSI, Crc};
use prost::Message;

use super::history::EpochRow;

/// The file's name in the run's folder. TensorBoard finds event files by `tfevents` in their names.
pub const FILE_NAME: &str = "events.out.tfevents.0.mien-train";

/// CRC-32C.
const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// Value of `file_version` in the first record of a file.
const VERSION: &str = "brain.Event:2";

/// Bytes before the content of a record (length 8, checksum 4) and after it (checksum 4).
const HEAD: usize = 12;
const TAIL: usize = 4;

#[derive(Clone, PartialEq, Message)]
struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Scalar>,
}

#[derive(Clone, PartialEq, Message)]
struct Scalar {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
}

/// Makes the file contain exactly these epochs. Truncates incomplete records of a killed process and records of later
/// epochs, then appends the missing epochs.
///
/// # Errors
/// Returns an error if the folder cannot be written.
pub fn update(folder: &Path, rows: &[EpochRow]) -> io::Result<()> {
    let path = folder.join(FILE_NAME);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let (whole, last) = scan(&bytes, rows.len() as i64);
    if whole < bytes.len() {
        file.set_len(whole as u64)?;
    }
    let mut added = Vec::new();
    if whole == 0 {
        let version = Some(VERSION.to_owned());
        added = record(&Event {
            wall_time: now(),
            step: 0,
            file_version: version,
            summary: None,
        });
    }
    for row in rows.iter().filter(|row| row.epoch as i64 > last) {
        let summary = Some(Summary {
            value: scalars(row),
        });
        let step = row.epoch as i64;
        added.extend(record(&Event {
            wall_time: now(),
            step,
            file_version: None,
            summary,
        }));
    }
    file.seek(SeekFrom::Start(whole as u64))?;
    file.write_all(&added)
}

/// Returns the length in bytes of the leading complete records up to epoch `epochs`, and the last epoch among them.
fn scan(bytes: &[u8], epochs: i64) -> (usize, i64) {
    let (mut at, mut last) = (0, 0);
    while let Some(content) = content(&bytes[at..]) {
        match Event::decode(content) {
            Ok(event) if event.step <= epochs => last = event.step,
            _ => break,
        }
        at += HEAD + content.len() + TAIL;
    }
    (at, last)
}

/// Returns the content of the first record, or `None` if the record is incomplete or its checksums do not match.
fn content(bytes: &[u8]) -> Option<&[u8]> {
    let length = bytes.first_chunk::<8>()?;
    let check = u32::from_le_bytes(*bytes.get(8..)?.first_chunk()?);
    if masked_crc(length) != check {
        return None;
    }
    let end = HEAD.checked_add(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let content = bytes.get(HEAD..end)?;
    let check = u32::from_le_bytes(*bytes.get(end..)?.first_chunk()?);
    (masked_crc(content) == check).then_some(content)
}

fn record(event: &Event) -> Vec<u8> {
    let content = event.encode_to_vec();
    let length = (content.len() as u64).to_le_bytes();
    let checks = [masked_crc(&length), masked_crc(&content)].map(u32::to_le_bytes);
    [&length[..], &checks[0], &content, &checks[1]].concat()
}

/// Returns the masked CRC-32C. TFRecord masks checksums because a CRC of data that contains its own CRC is degenerate.
fn masked_crc(bytes: &[u8]) -> u32 {
    CRC.checksum(bytes)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

fn scalars(row: &EpochRow) -> Vec<Scalar> {
    let values = [
        ("loss/train", Some(row.train_loss)),
        ("loss/holdout", row.holdout_loss),
        ("accuracy/train", Some(row.train_accuracy)),
        ("accuracy/holdout", row.holdout_accuracy),
        ("learning_rate", Some(row.learning_rate)),
        ("size_px", Some(row.side as f64)),
        ("images_per_second", Some(row.images_per_second)),
    ];
    let scalar = |(tag, value): (&str, Option<f64>)| {
        Some(Scalar {
            tag: tag.to_owned(),
            simple_value: Some(value? as f32),
        })
    };
    values.into_iter().filter_map(scalar).collect()
}

fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |time| time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn rows(count: usize) -> Vec<EpochRow> {
        let row = |epoch| EpochRow {
            epoch,
            side: 48,
            learning_rate: 0.1,
            train_loss: 1.0 / epoch as f64,
            train_accuracy: 0.5,
            holdout_accuracy: None,
            holdout_loss: None,
            seconds: 1.0,
            images_per_second: 2.0,
            waited_seconds: 0.0,
        };
        (1..=count).map(row).collect()
    }

    fn steps(folder: &Path) -> Vec<i64> {
        let bytes = fs::read(folder.join(FILE_NAME)).unwrap();
        let (mut at, mut steps) = (0, Vec::new());
        while let Some(found) = content(&bytes[at..]) {
            steps.push(Event::decode(found).unwrap().step);
            at += HEAD + found.len() + TAIL;
        }
        assert_eq!(at, bytes.len(), "trailing bytes");
        steps
    }

    #[test]
    fn masked_crc_matches_tensorflow() {
        // TensorBoard's own writer starts each file with a version event of 24 bytes.
        let length = 24u64.to_le_bytes();
        assert_eq!(masked_crc(&length).to_le_bytes(), [0xa3, 0x7f, 0x4b, 0x22]);
    }

    #[test]
    fn update_adds_each_epoch_once_and_repairs_torn_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        update(folder.path(), &rows(2)).unwrap();
        assert_eq!(steps(folder.path()), [0, 1, 2]);
        update(folder.path(), &rows(3)).unwrap();
        assert_eq!(steps(folder.path()), [0, 1, 2, 3]);
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            update(folder.path(), &rows(3)).unwrap();
            assert_eq!(steps(folder.path()), [0, 1, 2, 3], "cut at {cut}");
        }
        // Epochs after the run's last checkpoint are removed.
        update(folder.path(), &rows(1)).unwrap();
        assert_eq!(steps(folder.path()), [0, 1]);
    }
}
