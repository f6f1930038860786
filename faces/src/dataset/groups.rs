//! `groups.csv` in the directory of a data set: the groups of its images.
//!
//! The first column is `image`, the name of an image within the data set. Each other column is a grouping, and its values are groups. An
//! image with an empty value, or without a row, does not have a group.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fs::File,
    io::Read,
    path::Path,
};

use super::{Dataset, DatasetError, Sample, csv::malformed};
use crate::grouping::{Grouping, MAX_GROUPS, check_group, check_grouping};

/// Name of the file in a data set directory.
const FILE_NAME: &str = "groups.csv";

/// Maximum size of the file in bytes.
const MAX_BYTES: u64 = 64 << 20;

/// Maximum number of groupings.
const MAX_GROUPINGS: usize = 16;

/// Name of the first column.
const IMAGE: &str = "image";

/// The groups of the images of a data set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ImageGroups {
    /// Names of the groupings in the order of the columns.
    names: Vec<String>,
    /// Name of an image -> its group in each grouping, empty for none.
    rows: HashMap<String, Vec<String>>,
}

impl ImageGroups {
    /// Reads `groups.csv` in a directory. Without the file, no image has a group.
    ///
    /// # Errors
    /// Returns an error with the line and the remedy if the file cannot be read or is not valid.
    pub(super) fn read(directory: &Path) -> Result<Self, DatasetError> {
        let path = directory.join(FILE_NAME);
        if !path.is_file() {
            return Ok(Self::default());
        }
        let mut bytes = Vec::new();
        File::open(&path)
            .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
            .map_err(DatasetError::read_error(&path))?;
        if bytes.len() as u64 > MAX_BYTES {
            let reason = format!(
                "the file is larger than {} MiB; remove columns or rows",
                MAX_BYTES >> 20
            );
            return Err(DatasetError::Csv {
                path,
                line: 0,
                reason,
            });
        }
        Self::parse(&path, &bytes)
    }

    /// Parses the content of the file.
    ///
    /// # Errors
    /// Returns an error with the line and the remedy if the content is not valid.
    pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Self, DatasetError> {
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(bytes);
        let invalid = |line, reason| DatasetError::Csv {
            path: path.to_owned(),
            line,
            reason,
        };
        let headers = reader.headers().map_err(|e| malformed(path, &e))?;
        let names = groupings(headers).map_err(|reason| invalid(1, reason))?;
        let mut columns = Columns::new(names);
        let mut record = csv::StringRecord::new();
        while reader
            .read_record(&mut record)
            .map_err(|e| malformed(path, &e))?
        {
            let line = record.position().map_or(0, csv::Position::line);
            columns
                .add(&record)
                .map_err(|reason| invalid(line, reason))?;
        }
        if columns.rows.is_empty() {
            let reason = "the file has no rows; add a row per image, or remove the file";
            return Err(invalid(0, reason.to_owned()));
        }
        Ok(Self {
            names: columns.names,
            rows: columns.rows,
        })
    }

    /// Returns the number of rows whose image is not among these.
    pub(super) fn rows_without_image<'a>(&self, images: impl Iterator<Item = &'a Sample>) -> usize {
        let known: HashSet<&str> = images.map(|sample| sample.name.as_str()).collect();
        let rows = self.rows.keys();
        rows.filter(|image| !known.contains(image.as_str())).count()
    }

    /// Returns the groupings of images in this order. Groupings without a group of these images are omitted.
    pub(crate) fn of_images<'a>(
        &self,
        images: impl Iterator<Item = &'a str> + Clone,
    ) -> Vec<Grouping> {
        let grouping = |(column, name): (usize, &String)| {
            let group = |image| {
                let group = self.rows.get(image)?.get(column)?.as_str();
                (!group.is_empty()).then_some(group)
            };
            Grouping::of_names(name, images.clone().map(group))
                .expect("the parser limits the number of groups")
        };
        let groupings = self.names.iter().enumerate().map(grouping);
        groupings
            .filter(|grouping| !grouping.groups().is_empty())
            .collect()
    }
}

impl Dataset {
    /// Returns the names of the groupings in `groups.csv`, in the order of its columns.
    pub fn grouping_names(&self) -> &[String] {
        &self.groups.names
    }

    /// Returns the groupings of `groups.csv` for the images with these names, in the order of the names. Groupings without a group of
    /// these images are omitted.
    pub fn groupings<'a>(&self, images: impl Iterator<Item = &'a str> + Clone) -> Vec<Grouping> {
        self.groups.of_images(images)
    }
}

/// Returns the groupings that the header names.
fn groupings(headers: &csv::StringRecord) -> Result<Vec<String>, String> {
    let first = headers.get(0).unwrap_or_default();
    if first != IMAGE {
        return Err(format!(
            "the first column is {first:?}; expected `{IMAGE}`, and commas between columns"
        ));
    }
    let names: Vec<String> = headers.iter().skip(1).map(str::to_owned).collect();
    if names.is_empty() {
        return Err("the file has no groupings; add a column such as `age`".to_owned());
    }
    if names.len() > MAX_GROUPINGS {
        return Err(format!(
            "the file has {} groupings; remove columns until there are at most {MAX_GROUPINGS}",
            names.len()
        ));
    }
    for (index, name) in names.iter().enumerate() {
        check_grouping(name).map_err(|error| format!("the grouping {name:?} {error}"))?;
        if names[..index].contains(name) {
            return Err(format!(
                "the grouping `{name}` has two columns; remove one of them"
            ));
        }
    }
    Ok(names)
}

/// The rows that have been read.
struct Columns {
    names: Vec<String>,
    /// Groups of each grouping.
    groups: Vec<BTreeSet<String>>,
    rows: HashMap<String, Vec<String>>,
}

impl Columns {
    fn new(names: Vec<String>) -> Self {
        Self {
            groups: vec![BTreeSet::new(); names.len()],
            names,
            rows: HashMap::new(),
        }
    }

    /// Adds a row. All rows have as many fields as the header, because the CSV reader checks this.
    fn add(&mut self, record: &csv::StringRecord) -> Result<(), String> {
        let image = record.get(0).unwrap_or_default();
        if image.is_empty() {
            return Err("the name of the image is empty; fill it in or remove the row".to_owned());
        }
        let fields = record.iter().skip(1);
        for ((group, groups), name) in fields.zip(&mut self.groups).zip(&self.names) {
            if group.is_empty() || groups.contains(group) {
                continue;
            }
            check_group(group).map_err(|e| format!("the group {group:?} of `{name}` {e}"))?;
            if groups.len() == MAX_GROUPS {
                return Err(format!(
                    "{group:?} is group {} of `{name}`; combine values until there are at most {MAX_GROUPS} groups",
                    MAX_GROUPS + 1
                ));
            }
            groups.insert(group.to_owned());
        }
        let row = record.iter().skip(1).map(str::to_owned).collect();
        if self.rows.insert(image.to_owned(), row).is_some() {
            return Err(format!(
                "the image {image:?} has two rows; remove one of them"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
