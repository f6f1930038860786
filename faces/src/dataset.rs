//! Labelled faces on disk: the Kaggle directories `<root>/{train,test}/<class>/*` or the original `fer2013.csv`.
//!
//! Opening a data set lists the samples; pixels are read per sample. The listing is sorted, so all runs on a data set see the
//! samples in the same order.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::{
    expression::Expression,
    image::{ColorImage, DecodedImage, Face, ImageError, ImageFile, Limits},
};

mod csv;
mod duplicates;
mod error;
mod fingerprint;
mod folders;
pub(crate) mod groups;
mod left_out;
mod split;
mod subset;

pub use duplicates::{DuplicateCounts, Duplicates, duplicates};
pub use error::DatasetError;
use groups::ImageGroups;
pub use left_out::{LeftOut, describe_directories};
pub use split::{Split, UnknownSplit, UnknownUsage, Usage};

/// A labelled image, which has not been read yet.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Name within the data set: `test/angry/PublicTest_1.png`, or `fer2013.csv:17` for a line of the file.
    pub name: String,
    /// The label.
    pub expression: Expression,
    /// Its use in FER2013.
    pub usage: Usage,
    /// Whether it is a training image.
    is_train: bool,
    /// Its index in `train` or `test`.
    position: usize,
    source: Source,
}

/// Location of the pixels of a sample.
#[derive(Debug, Clone)]
enum Source {
    File(std::path::PathBuf),
    Row(csv::Row),
}

impl Sample {
    /// Returns an identifier that does not reveal the path: the first 16 bytes of the SHA-256 of `train/` or `test/` and the
    /// name, as 32 hex digits. It is the same in all runs on the same listing.
    pub fn id(&self) -> String {
        let split = if self.is_train {
            Split::Train
        } else {
            Split::Test
        };
        let digest = Sha256::digest(format!("{split}/{}", self.name));
        hex::encode(&digest[..16])
    }

    /// Returns its index, from 0, among the training images or among the test images.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Reads the image and converts it to a face of `side * side`, with the same preprocessing as serving.
    ///
    /// # Errors
    /// Returns [`DatasetError::Read`], [`DatasetError::Image`] or [`DatasetError::Csv`] with the path of the file.
    pub fn load(&self, side: usize) -> Result<Face, DatasetError> {
        Ok(self.read()?.to_face(side))
    }

    /// Reads the image in its stored size.
    ///
    /// # Errors
    /// Returns the errors of [`Self::load`].
    pub fn read(&self) -> Result<DecodedImage, DatasetError> {
        match &self.source {
            Source::Row(row) => row.read(),
            Source::File(path) => read_file(path, |file| file.decode()),
        }
    }

    /// Reads the image in its stored size and its colours. Rows of `fer2013.csv` are gray.
    ///
    /// # Errors
    /// Returns the errors of [`Self::load`].
    pub fn read_color(&self) -> Result<ColorImage, DatasetError> {
        match &self.source {
            Source::Row(row) => Ok(row.read()?.to_color()),
            Source::File(path) => read_file(path, |file| Ok(file.decode_color()?.0)),
        }
    }
}

/// Reads and decodes a file.
fn read_file<T>(
    path: &Path,
    decode: impl FnOnce(ImageFile<'_>) -> Result<T, ImageError>,
) -> Result<T, DatasetError> {
    let bytes = std::fs::read(path).map_err(DatasetError::read_error(path))?;
    let file = ImageFile::open(&bytes, &Limits::default());
    file.and_then(decode).map_err(|source| DatasetError::Image {
        path: path.to_owned(),
        source,
    })
}

/// The listing of a data set.
#[derive(Debug, Clone)]
pub struct Dataset {
    root: std::path::PathBuf,
    /// Sorted by usage, class and name like `test`, in which `PublicTest` and `PrivateTest` are therefore contiguous.
    train: Vec<Sample>,
    test: Vec<Sample>,
    left_out: LeftOut,
    groups: ImageGroups,
}

impl Dataset {
    /// Lists a directory with `train/` or `test/` or both, a directory with `fer2013.csv`, or such a file. Reads `groups.csv` next to them.
    ///
    /// # Errors
    /// Returns an error with the path and the remedy if the data set does not exist, cannot be read or has a malformed CSV file.
    /// Also returns an error for a directory that is not a class, and for a split without class directories or images.
    pub fn open(root: &Path) -> Result<Self, DatasetError> {
        let metadata = std::fs::metadata(root).map_err(DatasetError::read_error(root))?;
        let file = if metadata.is_dir() {
            root.join(csv::FILE_NAME)
        } else {
            root.to_owned()
        };
        let mut splits = ["train", "test"].iter();
        let is_folders = splits.any(|split| root.join(split).is_dir());
        let mut left_out = LeftOut::default();
        let (train, test) = if is_folders {
            left_out.directories = folders::other_directories(root)?;
            (
                folders::list(root, Split::Train, &mut left_out)?,
                folders::list(root, Split::Test, &mut left_out)?,
            )
        } else if file.is_file() {
            csv::list(&file)?
        } else {
            return Err(DatasetError::NoSplits {
                root: root.to_owned(),
                directories: folders::other_directories(root)?,
            });
        };
        let groups = ImageGroups::read(file.parent().unwrap_or(root))?;
        left_out.group_rows = groups.rows_without_image(train.iter().chain(&test));
        let data = Self::sorted(root, train, test, left_out);
        Ok(Self { groups, ..data })
    }

    fn sorted(
        root: &Path,
        mut train: Vec<Sample>,
        mut test: Vec<Sample>,
        left_out: LeftOut,
    ) -> Self {
        for samples in [&mut train, &mut test] {
            samples.sort_by(|a, b| {
                (a.usage, a.expression)
                    .cmp(&(b.usage, b.expression))
                    .then_with(|| sort_key(a).cmp(&sort_key(b)))
            });
            for (position, sample) in samples.iter_mut().enumerate() {
                sample.position = position;
            }
        }
        Self {
            root: root.to_owned(),
            train,
            test,
            left_out,
            groups: ImageGroups::default(),
        }
    }

    /// Lists a directory whose subdirectories are the classes of one split.
    ///
    /// # Errors
    /// Returns the errors of [`Self::open`].
    pub fn open_classes(root: &Path, split: Split) -> Result<Self, DatasetError> {
        let mut left_out = LeftOut::default();
        let samples = folders::list_classes(root, split, &mut left_out)?;
        let (train, test) = if split == Split::Train {
            (samples, Vec::new())
        } else {
            (Vec::new(), samples)
        };
        Ok(Self::sorted(root, train, test, left_out))
    }

    /// Returns files and directories of the data set that are not listed.
    pub fn left_out(&self) -> &LeftOut {
        &self.left_out
    }

    /// Returns the samples of a split in order, or an empty slice if the data set does not have the split.
    pub fn samples(&self, split: Split) -> &[Sample] {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
            Split::PublicTest => self.run_of(Usage::PublicTest),
            Split::PrivateTest => self.run_of(Usage::PrivateTest),
        }
    }

    /// Returns the samples of a split like [`Dataset::samples`].
    ///
    /// # Errors
    /// Returns [`DatasetError::EmptySplit`] if the split has no samples.
    pub fn required(&self, split: Split) -> Result<&[Sample], DatasetError> {
        let samples = self.samples(split);
        if samples.is_empty() {
            return Err(DatasetError::EmptySplit {
                path: self.root.clone(),
                split,
                directories: self.left_out.directories.clone(),
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

/// Returns the sort key within a class: the position of rows of a CSV file, the name of files.
fn sort_key(sample: &Sample) -> (u64, &str) {
    match &sample.source {
        Source::Row(row) => (row.offset(), ""),
        Source::File(_) => (0, &sample.name),
    }
}

#[cfg(test)]
mod tests;
