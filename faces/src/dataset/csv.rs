//! The original `fer2013.csv`: columns `emotion,pixels,Usage`, one face per line.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{DatasetError, Sample, Source, Usage};
use crate::{expression::Expression, image::DecodedImage};

/// Name of the file in a data set directory.
pub(super) const FILE_NAME: &str = "fer2013.csv";

/// The class codes of the file; their order differs from that of [`Expression`].
const CODES: [Expression; 7] = [
    Expression::Angry,
    Expression::Disgust,
    Expression::Fear,
    Expression::Happy,
    Expression::Sad,
    Expression::Surprise,
    Expression::Neutral,
];

/// Location of one line in a file.
#[derive(Debug, Clone)]
pub(super) struct Row {
    file: Arc<PathBuf>,
    line: u64,
    offset: u64,
    length: u64,
    /// Index of the field with the pixels.
    column: usize,
}

/// Lists the training samples and the test samples of a file without their pixels.
pub(super) fn list(path: &Path) -> Result<(Vec<Sample>, Vec<Sample>), DatasetError> {
    let bytes = File::open(path).map_err(DatasetError::read_error(path))?;
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let columns = Columns::find(path, reader.headers().map_err(|e| malformed(path, &e))?)?;
    let file = Arc::new(path.to_owned());

    let (mut train, mut test) = (Vec::new(), Vec::new());
    let mut record = csv::StringRecord::new();
    loop {
        let offset = reader.position().byte();
        if !reader
            .read_record(&mut record)
            .map_err(|e| malformed(path, &e))?
        {
            break;
        }
        let row = Row {
            file: Arc::clone(&file),
            line: record.position().map_or(0, csv::Position::line),
            offset,
            length: reader.position().byte() - offset,
            column: columns.pixels,
        };
        let sample = sample(row, &columns, &record)?;
        if sample.is_train {
            train.push(sample)
        } else {
            test.push(sample)
        }
    }
    if train.is_empty() && test.is_empty() {
        let reason = "the file has no rows; download it again".to_owned();
        return Err(DatasetError::Csv {
            path: path.to_owned(),
            line: 0,
            reason,
        });
    }
    Ok((train, test))
}

/// Returns the sample of a row.
fn sample(row: Row, columns: &Columns, record: &csv::StringRecord) -> Result<Sample, DatasetError> {
    let invalid = |reason| DatasetError::Csv {
        path: row.file.to_path_buf(),
        line: row.line,
        reason,
    };
    let (expression, usage) = columns.read(record).map_err(invalid)?;
    let file_name = row.file.file_name().unwrap_or_default().to_string_lossy();
    Ok(Sample {
        name: format!("{file_name}:{}", row.line),
        expression,
        usage,
        is_train: usage == Usage::Training,
        position: 0,
        source: Source::Row(row),
    })
}

/// Indexes of the fields. Published copies of the file have different orders.
struct Columns {
    emotion: usize,
    pixels: usize,
    usage: usize,
}

impl Columns {
    fn find(path: &Path, headers: &csv::StringRecord) -> Result<Self, DatasetError> {
        let find = |name: &str| {
            headers
                .iter()
                .position(|header| header == name)
                .ok_or_else(|| DatasetError::Csv {
                    path: path.to_owned(),
                    line: 1,
                    reason: format!("no column `{name}`; expected emotion, pixels and Usage"),
                })
        };
        Ok(Self {
            emotion: find("emotion")?,
            pixels: find("pixels")?,
            usage: find("Usage")?,
        })
    }

    fn read(&self, record: &csv::StringRecord) -> Result<(Expression, Usage), String> {
        let (code, usage) = (&record[self.emotion], &record[self.usage]);
        let expression = code
            .parse()
            .ok()
            .and_then(|code: usize| CODES.get(code).copied());
        let expression = expression.ok_or_else(|| format!("emotion `{code}`; expected 0 to 6"))?;
        let usage = Usage::of_column(usage).ok_or_else(|| {
            format!("Usage `{usage}`; expected Training, PublicTest or PrivateTest")
        })?;
        Ok((expression, usage))
    }
}

impl Row {
    /// Returns the byte offset of the line.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads the pixels of the line: a square number of values from 0 to 255, separated by spaces.
    pub(super) fn read(&self) -> Result<DecodedImage, DatasetError> {
        let mut bytes = Vec::new();
        let mut file = File::open(&*self.file).map_err(DatasetError::read_error(&self.file))?;
        file.seek(SeekFrom::Start(self.offset))
            .and_then(|_| file.take(self.length).read_to_end(&mut bytes))
            .map_err(DatasetError::read_error(&self.file))?;

        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(bytes.as_slice());
        let mut record = csv::StringRecord::new();
        reader
            .read_record(&mut record)
            .map_err(|e| malformed(&self.file, &e))?;
        let pixels = record.get(self.column).unwrap_or_default();
        let pixels: Result<Vec<u8>, _> = pixels.split_ascii_whitespace().map(str::parse).collect();
        let pixels =
            pixels.map_err(|_| self.invalid("a pixel is not a number from 0 to 255".to_owned()))?;
        let (count, side) = (pixels.len(), pixels.len().isqrt());
        DecodedImage::new(side, side, pixels).ok_or_else(|| {
            self.invalid(format!(
                "{count} pixels; expected a square, as 48 * 48 = 2304"
            ))
        })
    }

    fn invalid(&self, reason: String) -> DatasetError {
        DatasetError::Csv {
            path: self.file.to_path_buf(),
            line: self.line,
            reason,
        }
    }
}

/// Converts an error of the CSV reader, whose text names the line and the problem.
pub(super) fn malformed(path: &Path, error: &csv::Error) -> DatasetError {
    let line = error.position().map_or(0, csv::Position::line);
    DatasetError::Csv {
        path: path.to_owned(),
        line,
        reason: error.to_string(),
    }
}
