//! Errors of data sets, with their remedies.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{Split, left_out::describe_directories};
use crate::image::ImageError;

/// Why a data set, or one of its samples, cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// A file or directory is missing or not readable.
    #[error("cannot read `{}`; check that it exists and that you have permission to read it", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// The directory is not a data set.
    #[error(
        "`{}` is not a data set; expected the directories train/<class>/ and test/<class>/, or a fer2013.csv{}",
        root.display(),
        describe_directories(directories)
    )]
    NoSplits {
        /// The directory.
        root: PathBuf,
        /// Names of its directories.
        directories: Vec<String>,
    },
    /// A split has no class directories.
    #[error(
        "`{}` has no class directories; expected angry, disgust, fear, happy, neutral, sad and surprise",
        path.display()
    )]
    NoClasses {
        /// The directory of the split.
        path: PathBuf,
    },
    /// A directory of a split is not a class. Ignoring it would silently change all results.
    #[error(
        "`{}` is not a class; name it angry, disgust, fear, happy, neutral, sad or surprise, or move it away",
        path.display()
    )]
    UnknownClass {
        /// The directory.
        path: PathBuf,
    },
    /// A split has no images.
    #[error(
        "`{}` has no {split} images; expected JPEG, PNG, WebP, BMP or GIF files{}",
        path.display(),
        describe_directories(directories)
    )]
    EmptySplit {
        /// The data set, or the directory of the split.
        path: PathBuf,
        /// The split.
        split: Split,
        /// Names of directories of the data set that are not splits.
        directories: Vec<String>,
    },
    /// A CSV file is malformed.
    #[error("`{}`, line {line}: {reason}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// The line, from 1, or 0 for the whole file.
        line: u64,
        /// The problem and the expectation.
        reason: String,
    },
    /// An image cannot be decoded.
    #[error("`{}` cannot be decoded; replace it or move it away", path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// Error of the decoder.
        source: ImageError,
    },
}

impl DatasetError {
    /// Returns the cause without the path, for clients, which must not see the location of the data set.
    pub fn cause(&self) -> String {
        match self {
            Self::Read { source, .. } => source.to_string(),
            Self::Image { source, .. } => source.to_string(),
            Self::Csv { line, reason, .. } => format!("line {line}: {reason}"),
            Self::EmptySplit { split, .. } => format!("it has no {split} images"),
            Self::NoSplits { .. } | Self::NoClasses { .. } => "it is not a data set".to_owned(),
            Self::UnknownClass { .. } => "a directory is not a class".to_owned(),
        }
    }

    /// Returns a function that adds the path to an I/O error.
    pub(super) fn read_error(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Read {
            path: path.to_owned(),
            source,
        }
    }
}
