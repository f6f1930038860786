//! Finds the results in a file that a run which was killed has written.

mod group;
mod rows;

use std::{
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
};

use anyhow::{Context, bail, ensure};

use self::{group::Group, rows::StoredRow};
use super::{
    format::{Format, Schema, columns},
    inputs::Entry,
    result::FileResult,
};

/// Number of bytes that are read at a time in the search for the last line.
const BLOCK: u64 = 1 << 16;

/// The results in a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stored {
    /// Number of files with a complete result.
    pub(super) files: u64,
    /// Number of these files that cannot be read.
    pub(super) failures: u64,
    /// Length of the complete results in bytes, with the head of the file.
    pub(super) bytes: u64,
}

impl Stored {
    /// Counts new results.
    pub(super) fn add(&mut self, results: &[FileResult]) {
        self.files += results.len() as u64;
        self.failures += results.iter().filter(|result| result.is_failure()).count() as u64;
    }
}

/// Finds the complete results. Takes the entry of each from `entries` and compares it.
///
/// # Errors
/// Returns an error if the file has other columns, another model or another order of files, or cannot be read.
pub(super) fn find(
    file: &mut File,
    format: Format,
    schema: &Schema,
    entries: &mut dyn Iterator<Item = anyhow::Result<Entry>>,
) -> anyhow::Result<Stored> {
    let complete = end_of_last_line(file)?;
    file.seek(SeekFrom::Start(0))?;
    let lines = BufReader::new(file.take(complete));
    let mut stored = Stored::default();
    let rows: Box<dyn Iterator<Item = anyhow::Result<StoredRow>>> = match format {
        Format::Csv => {
            let columns = columns(schema);
            let columns: Vec<&str> = columns.iter().map(|name| &**name).collect();
            match rows::csv(lines, complete, &columns)? {
                None => return Ok(stored),
                Some((head, rows)) => {
                    stored.bytes = head;
                    Box::new(rows)
                }
            }
        }
        Format::Jsonl => Box::new(rows::json_lines(lines)),
        Format::Table | Format::Json | Format::Parquet => bail!("this format cannot be continued"),
    };
    let mut group = Group::default();
    for row in rows {
        let row = row?;
        check(&row, schema)?;
        if group.add(&row)? {
            compare(&row, entries, stored.files)?;
            stored.files += 1;
            stored.failures += u64::from(row.is_failure);
            stored.bytes = row.end;
        }
    }
    Ok(stored)
}

/// Checks that a row is of the same kind of run.
fn check(row: &StoredRow, schema: &Schema) -> anyhow::Result<()> {
    if let (Some(found), Some(expected)) = (&row.model, &schema.model) {
        ensure!(
            found == expected,
            "its results are those of {}@{}, and this run uses {}@{}; choose the model with --model",
            found.model,
            found.version,
            expected.model,
            expected.version
        );
    }
    ensure!(
        row.is_failure || row.faces.is_some() == schema.faces,
        "it was written {} --faces",
        if schema.faces { "without" } else { "with" }
    );
    Ok(())
}

/// Checks that the next file of the list is that of a result.
fn compare(
    row: &StoredRow,
    entries: &mut dyn Iterator<Item = anyhow::Result<Entry>>,
    position: u64,
) -> anyhow::Result<()> {
    let remedy = "continue it with the list that it was started with, or delete it";
    let number = position + 1;
    let Some(entry) = entries.next().transpose()? else {
        bail!(
            "it has a result for file {number}, `{}`, and the list has only {position} files; {remedy}",
            row.file
        );
    };
    let name = entry.name();
    ensure!(
        name == row.file,
        "file {number} is `{}` in its results and `{name}` in the list; {remedy}",
        row.file
    );
    Ok(())
}

/// Returns the position after the last newline, or 0.
fn end_of_last_line(file: &mut File) -> anyhow::Result<u64> {
    let mut end = file.metadata().context("cannot read its size")?.len();
    let mut block = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        block.clear();
        file.seek(SeekFrom::Start(start))?;
        Read::by_ref(file)
            .take(end - start)
            .read_to_end(&mut block)?;
        if let Some(found) = block.iter().rposition(|&byte| byte == b'\n') {
            return Ok(start + found as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}
