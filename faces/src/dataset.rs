//! Labelled faces on disk: the Kaggle folders `<root>/{train,test}/<class>/*` or the original `fer2013.csv`.
//!
//! Opening lists; pixels are read sample by sample. The listing is sorted, so that two runs on one data
//! set see the same samples in the same order.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::{
    expression::Expression,
    image::{Face, Limits, Picture, decode},
};

mod csv;
mod duplicates;
mod error;
mod fingerprint;
mod folders;
mod split;
mod subset;

pub use duplicates::{DuplicateCounts, Duplicates, duplicates};
pub use error::DatasetError;
pub use split::{Split, UnknownSplit, UnknownUsage, Usage};

/// One labelled image, not read yet.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Where it is within the data set: `test/angry/PublicTest_1.png`, or `fer2013.csv:17` for a line.
    pub name: String,
    /// The label.
    pub expression: Expression,
    /// What FER2013 used it for.
    pub usage: Usage,
    /// Whether it is one to learn from.
    is_train: bool,
    /// Its place in the listing of `train` or `test`.
    position: usize,
    source: Source,
}

/// Where the pixels of a sample are.
#[derive(Debug, Clone)]
enum Source {
    File(std::path::PathBuf),
    Row(csv::Row),
}

impl Sample {
    /// A name that tells nothing of where the image lies: the first 16 bytes of the SHA-256 of `train/` or `test/` and
    /// its name, as 32 hex digits. The same in every run over the same listing.
    pub fn id(&self) -> String {
        let split = if self.is_train {
            Split::Train
        } else {
            Split::Test
        };
        let digest = Sha256::digest(format!("{split}/{}", self.name));
        hex::encode(&digest[..16])
    }

    /// Its place in the one order of the training images or of the test images, from 0.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Reads the image and makes it a face of `side * side`, with the very preprocessing that serving uses.
    ///
    /// # Errors
    /// [`DatasetError::Read`], [`DatasetError::Image`] or [`DatasetError::Csv`], naming the file.
    pub fn load(&self, side: usize) -> Result<Face, DatasetError> {
        Ok(self.picture()?.to_face(side))
    }

    /// Reads the image as it is stored.
    fn picture(&self) -> Result<Picture, DatasetError> {
        match &self.source {
            Source::Row(row) => row.read(),
            Source::File(path) => {
                let bytes = std::fs::read(path).map_err(DatasetError::reading(path))?;
                decode(&bytes, &Limits::default()).map_err(|source| DatasetError::Image {
                    path: path.clone(),
                    source,
                })
            }
        }
    }
}

/// The listing of a data set.
#[derive(Debug, Clone)]
pub struct Dataset {
    root: std::path::PathBuf,
    /// Each sorted by usage, class and name, so that `PublicTest` and `PrivateTest` are runs within `test`.
    train: Vec<Sample>,
    test: Vec<Sample>,
}

impl Dataset {
    /// Lists a data set: a folder with `train/` or `test/` or both, a folder that holds `fer2013.csv`,
    /// or the path of such a CSV file.
    ///
    /// # Errors
    /// Names the path and the remedy: nothing there, no class folders, a folder that is no class, a split
    /// without images, an entry that cannot be read, a malformed CSV.
    pub fn open(root: &Path) -> Result<Self, DatasetError> {
        let metadata = std::fs::metadata(root).map_err(DatasetError::reading(root))?;
        let file = if metadata.is_dir() {
            root.join(csv::FILE_NAME)
        } else {
            root.to_owned()
        };
        let is_folders = ["train", "test"]
            .iter()
            .any(|split| root.join(split).is_dir());
        let (mut train, mut test) = if is_folders {
            (folders::list(root, "train")?, folders::list(root, "test")?)
        } else if file.is_file() {
            csv::list(&file)?
        } else {
            return Err(DatasetError::NoSplits {
                root: root.to_owned(),
            });
        };
        for samples in [&mut train, &mut test] {
            samples.sort_by(|a, b| {
                (a.usage, a.expression)
                    .cmp(&(b.usage, b.expression))
                    .then_with(|| natural(a).cmp(&natural(b)))
            });
            samples
                .iter_mut()
                .enumerate()
                .for_each(|(place, sample)| sample.position = place);
        }
        Ok(Self {
            root: root.to_owned(),
            train,
            test,
        })
    }

    /// The samples of a split, in the one order; empty when the data set has none.
    pub fn samples(&self, split: Split) -> &[Sample] {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
            Split::PublicTest => self.run_of(Usage::PublicTest),
            Split::PrivateTest => self.run_of(Usage::PrivateTest),
        }
    }

    /// Like [`Dataset::samples`], for callers that cannot go on without any.
    ///
    /// # Errors
    /// [`DatasetError::EmptySplit`] when the split has no samples.
    pub fn required(&self, split: Split) -> Result<&[Sample], DatasetError> {
        let samples = self.samples(split);
        if samples.is_empty() {
            return Err(DatasetError::EmptySplit {
                path: self.root.clone(),
                split,
            });
        }
        Ok(samples)
    }

    fn run_of(&self, usage: Usage) -> &[Sample] {
        let start = self.test.partition_point(|s| s.usage < usage);
        let end = self.test.partition_point(|s| s.usage <= usage);
        &self.test[start..end]
    }
}

/// The sort key within a class. Rows of a CSV file go by their position, files by their name.
fn natural(sample: &Sample) -> (u64, &str) {
    match &sample.source {
        Source::Row(row) => (row.offset(), ""),
        Source::File(_) => (0, &sample.name),
    }
}

#[cfg(test)]
mod tests;
