//! Reads the rows of an output.

use std::io::{BufRead, Read};

use anyhow::{Context, bail, ensure};

use crate::cli::classify::{format::StoredLine, result::ModelId};

/// The fields of a row that identify its file.
#[derive(Debug)]
pub(super) struct StoredRow {
    /// Path of the file.
    pub(super) file: String,
    /// Number of the face, from 1.
    pub(super) face: Option<usize>,
    /// Number of faces of the photo.
    pub(super) faces: Option<usize>,
    /// Whether the file cannot be read.
    pub(super) is_failure: bool,
    /// The model.
    pub(super) model: Option<ModelId>,
    /// Position after the row.
    pub(super) end: u64,
}

/// Checks the header line and reads the rows of `length` bytes. Returns the length of the header line and the rows, or `None` if there
/// is no header. A last row with too few fields is left out: it was cut after a newline in a quoted field.
///
/// # Errors
/// Returns an error if the header has other columns.
pub(super) fn csv<R: Read>(
    from: R,
    length: u64,
    columns: &[&str],
) -> anyhow::Result<
    Option<(
        u64,
        impl Iterator<Item = anyhow::Result<StoredRow>> + use<R>,
    )>,
> {
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(from);
    let mut record = ::csv::StringRecord::new();
    if !reader.read_record(&mut record)? {
        return Ok(None);
    }
    ensure!(
        record.iter().eq(columns.iter().copied()),
        "its columns are {}; this run writes {}",
        record.iter().collect::<Vec<_>>().join(","),
        columns.join(",")
    );
    let head = reader.position().byte();
    let indices = Indices::of(columns);
    let rows = std::iter::from_fn(move || match reader.read_record(&mut record) {
        Ok(false) => None,
        Ok(true) => {
            let end = reader.position().byte();
            let is_cut = record.len() < indices.count && end >= length;
            (!is_cut).then(|| indices.row(&record, end))
        }
        Err(error) => Some(Err(error.into())),
    });
    Ok(Some((head, rows)))
}

/// Indices of the fields.
struct Indices {
    count: usize,
    face: Option<usize>,
    error: usize,
}

impl Indices {
    fn of(columns: &[&str]) -> Self {
        let count = columns.len();
        // The labels, which can have any name, are between the faces and the last three columns.
        let face = (columns.get(1..3) == Some(&["face", "faces"])).then_some(1);
        Self {
            count,
            face,
            error: count - 3,
        }
    }

    fn row(&self, record: &::csv::StringRecord, end: u64) -> anyhow::Result<StoredRow> {
        let line = record.position().map_or(0, ::csv::Position::line);
        if record.len() != self.count {
            bail!(
                "line {line} has {} fields instead of {}; delete the file",
                record.len(),
                self.count
            );
        }
        let number = |index: usize| -> anyhow::Result<Option<usize>> {
            let text = &record[index];
            let parse = || {
                text.parse()
                    .with_context(|| format!("line {line}: `{text}` is not a number"))
            };
            (!text.is_empty()).then(parse).transpose()
        };
        let (face, faces) = match self.face {
            None => (None, None),
            Some(index) => (number(index)?, number(index + 1)?),
        };
        let [model, version] = [1, 2].map(|offset| record[self.error + offset].to_owned());
        Ok(StoredRow {
            file: record[0].to_owned(),
            face,
            faces,
            is_failure: !record[self.error].is_empty(),
            model: (!model.is_empty()).then_some(ModelId { model, version }),
            end,
        })
    }
}

/// Reads rows from JSON lines, which are all complete.
pub(super) fn json_lines(from: impl BufRead) -> impl Iterator<Item = anyhow::Result<StoredRow>> {
    let mut end = 0;
    from.split(b'\n').enumerate().map(move |(index, line)| {
        let line = line?;
        end += line.len() as u64 + 1;
        let invalid = || format!("line {} is not a result of `mien classify`", index + 1);
        let line: StoredLine = serde_json::from_slice(&line).with_context(invalid)?;
        Ok(StoredRow {
            file: line.file,
            face: line.face,
            faces: line.faces,
            is_failure: line.error.is_some(),
            model: line.model,
            end,
        })
    })
}
