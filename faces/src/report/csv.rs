//! Predictions as CSV: `image,name,usage,label,prediction,confidence`, a column for each class, and a column `group_NAME` for each
//! grouping, one line per image.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use super::{Prediction, Predictions};
use crate::{
    dataset::Usage,
    expression::Expression,
    grouping::{Grouping, InvalidGrouping, InvalidName, check_group},
};

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

/// Names of the fields of [`Row`].
const COLUMNS: [&str; 13] = [
    "image",
    "name",
    "usage",
    "label",
    "prediction",
    "confidence",
    "angry",
    "disgust",
    "fear",
    "happy",
    "neutral",
    "sad",
    "surprise",
];

/// Prefix of the columns of groupings.
const GROUPING_PREFIX: &str = "group_";

/// Writes predictions as lines, after the header line if `first` is 0. The probabilities read back bit for bit.
///
/// `first` is the index of the first prediction in the evaluation, so that a caller can write an evaluation in parts. `groupings` are
/// those of all images of the evaluation.
///
/// # Errors
/// Returns the errors of `to`.
pub fn write(
    to: impl Write,
    predictions: &[Prediction],
    first: usize,
    groupings: &[Grouping],
) -> io::Result<()> {
    let mut writer = ::csv::WriterBuilder::new()
        .has_headers(false)
        .from_writer(to);
    if first == 0 {
        let columns = COLUMNS.map(str::to_owned).into_iter();
        let groupings = groupings.iter();
        let header = columns
            .chain(groupings.map(|grouping| format!("{GROUPING_PREFIX}{}", grouping.name())));
        writer.write_record(header).map_err(io::Error::from)?;
    }
    for (image, prediction) in (first..).zip(predictions) {
        let groups = groupings.iter();
        let groups: Vec<&str> = groups
            .map(|grouping| grouping.name_of(image).unwrap_or_default())
            .collect();
        writer
            .serialize((Row::of(prediction), groups))
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
    /// A grouping has too many groups.
    #[error(transparent)]
    Groups(#[from] InvalidGrouping),
    /// The name of a grouping or a group is not valid.
    #[error("the name {name:?} in the column `group_...` {source}")]
    Name {
        /// The name.
        name: String,
        /// Why it is not valid.
        source: InvalidName,
    },
}

/// Reads predictions and groups. The columns can have any order. The columns `prediction` and `confidence` are ignored, because the
/// probabilities determine them. Files of older versions do not have groups.
///
/// # Errors
/// Returns an error with the line if the text is not such a CSV file, or an error if it has no predictions, too many groups, or a
/// name that is not valid for a group.
pub fn read(from: impl Read) -> Result<Predictions, ReadError> {
    let mut reader = ::csv::Reader::from_reader(from);
    let headers = reader.headers()?.clone();
    let mut groups: Vec<GroupColumn<'_>> = GroupColumn::all(&headers);
    let (mut record, mut images) = (::csv::StringRecord::new(), Vec::new());
    while reader.read_record(&mut record)? {
        images.push(record.deserialize::<Row<'_>>(Some(&headers))?.prediction());
        for column in &mut groups {
            let group = record.get(column.index).unwrap_or_default();
            column.groups.push(group.to_owned());
        }
    }
    if images.is_empty() {
        return Err(ReadError::Empty);
    }
    let groupings: Result<_, _> = groups.iter().map(GroupColumn::grouping).collect();
    Ok(Predictions {
        images,
        groupings: groupings?,
    })
}

/// A column with the groups of a grouping.
struct GroupColumn<'a> {
    name: &'a str,
    index: usize,
    /// The group of each image, empty for none.
    groups: Vec<String>,
}

impl<'a> GroupColumn<'a> {
    fn all(headers: &'a ::csv::StringRecord) -> Vec<Self> {
        let columns = headers.iter().enumerate();
        let column = |(index, header): (usize, &'a str)| {
            Some(Self {
                name: header.strip_prefix(GROUPING_PREFIX)?,
                index,
                groups: Vec::new(),
            })
        };
        columns.filter_map(column).collect()
    }

    fn grouping(&self) -> Result<Grouping, ReadError> {
        let names = self.groups.iter().map(String::as_str);
        let grouping = Grouping::of_names(
            self.name,
            names.map(|name| (!name.is_empty()).then_some(name)),
        )?;
        let groups = grouping.groups().iter().map(|group| group.name.as_str());
        for name in groups.chain([self.name]) {
            check_group(name).map_err(|source| ReadError::Name {
                name: name.to_owned(),
                source,
            })?;
        }
        Ok(grouping)
    }
}
