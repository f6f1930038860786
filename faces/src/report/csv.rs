//! Predictions as CSV: `image,name,usage,label,prediction,confidence` and a column for each class, one line per image.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use super::Prediction;
use crate::{dataset::Usage, expression::Expression};

/// A line. The names of the fields are those of the columns.
#[derive(Serialize, Deserialize)]
struct Row<'a> {
    image: &'a str,
    name: &'a str,
    usage: Usage,
    label: Expression,
    prediction: Expression,
    confidence: f32,
    angry: f32,
    disgust: f32,
    fear: f32,
    happy: f32,
    neutral: f32,
    sad: f32,
    surprise: f32,
}

impl<'a> Row<'a> {
    fn of(row: &'a Prediction) -> Self {
        let outcome = row.outcome();
        let [angry, disgust, fear, happy, neutral, sad, surprise] = row.probabilities;
        Self {
            image: &row.image,
            name: &row.name,
            usage: row.usage,
            label: row.truth,
            prediction: outcome.prediction(),
            confidence: outcome.confidence(),
            angry,
            disgust,
            fear,
            happy,
            neutral,
            sad,
            surprise,
        }
    }

    fn prediction(&self) -> Prediction {
        let Self {
            angry,
            disgust,
            fear,
            happy,
            neutral,
            sad,
            surprise,
            ..
        } = *self;
        Prediction {
            image: self.image.to_owned(),
            name: self.name.to_owned(),
            usage: self.usage,
            truth: self.label,
            probabilities: [angry, disgust, fear, happy, neutral, sad, surprise],
        }
    }
}

/// Writes predictions as lines, optionally after the header line. The probabilities read back bit for bit.
///
/// # Errors
/// Returns the errors of `to`.
pub fn write<'a>(
    to: impl Write,
    predictions: impl IntoIterator<Item = &'a Prediction>,
    with_header: bool,
) -> io::Result<()> {
    let mut writer = ::csv::WriterBuilder::new()
        .has_headers(with_header)
        .from_writer(to);
    for prediction in predictions {
        writer
            .serialize(Row::of(prediction))
            .map_err(io::Error::from)?;
    }
    writer.flush()
}

/// Why predictions cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The text is not CSV, a column is missing, or a value is invalid. The text contains the line.
    #[error("{0}; expected the columns of `mien evaluate --csv`")]
    Csv(#[from] ::csv::Error),
    /// There are no lines except the header.
    #[error("the file has no predictions; expected the lines of `mien evaluate --csv`")]
    Empty,
}

/// Reads predictions. The columns can have any order. The columns `prediction` and `confidence` are ignored, because the
/// probabilities determine them.
///
/// # Errors
/// Returns an error with the line if the text is not such a CSV file, or an error if it has no predictions.
pub fn read(from: impl Read) -> Result<Vec<Prediction>, ReadError> {
    let mut reader = ::csv::Reader::from_reader(from);
    let headers = reader.headers()?.clone();
    let (mut record, mut predictions) = (::csv::StringRecord::new(), Vec::new());
    while reader.read_record(&mut record)? {
        predictions.push(record.deserialize::<Row<'_>>(Some(&headers))?.prediction());
    }
    if predictions.is_empty() {
        Err(ReadError::Empty)
    } else {
        Ok(predictions)
    }
}
