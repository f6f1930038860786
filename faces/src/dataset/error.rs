//! What can be wrong with a data set on disk, and what to do about it.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::Split;
use crate::image::ImageError;

/// Why a data set, or one of its samples, cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// A file or folder is missing or may not be read.
    #[error("cannot read `{}`; check that it exists and that you may read it", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A folder that is no data set.
    #[error(
        "`{}` is no data set; expected the folders train/<class>/ and test/<class>/, or a fer2013.csv",
        root.display()
    )]
    NoSplits {
        /// The folder.
        root: PathBuf,
    },
    /// A split without class folders.
    #[error(
        "`{}` has no class folders; expected angry, disgust, fear, happy, neutral, sad and surprise",
        path.display()
    )]
    NoClasses {
        /// The folder of the split.
        path: PathBuf,
    },
    /// A folder among the classes that is none. Leaving it out would change every figure in silence.
    #[error(
        "`{}` is not a class; name it angry, disgust, fear, happy, neutral, sad or surprise, or move it away",
        path.display()
    )]
    UnknownClass {
        /// The folder.
        path: PathBuf,
    },
    /// A split without images.
    #[error("`{}` has no {split} images; expected JPEG, PNG, WebP, BMP or GIF files", path.display())]
    EmptySplit {
        /// The data set, or the folder of the split.
        path: PathBuf,
        /// The split that was asked for.
        split: Split,
    },
    /// A malformed CSV file.
    #[error("`{}`, line {line}: {reason}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// The line, from 1; 0 when the file as a whole is meant.
        line: u64,
        /// What is wrong and what was expected.
        reason: String,
    },
    /// An image that cannot be decoded.
    #[error("`{}` cannot be decoded; replace it or move it away", path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        source: ImageError,
    },
}

impl DatasetError {
    /// What went wrong, without the path: for readers who know the sample by its name and should not
    /// learn where it lies.
    pub fn cause(&self) -> String {
        match self {
            Self::Read { source, .. } => source.to_string(),
            Self::Image { source, .. } => source.to_string(),
            Self::Csv { line, reason, .. } => format!("line {line}: {reason}"),
            Self::EmptySplit { split, .. } => format!("it has no {split} images"),
            Self::NoSplits { .. } | Self::NoClasses { .. } => "it is no data set".to_owned(),
            Self::UnknownClass { .. } => "a folder is no class".to_owned(),
        }
    }

    /// For `map_err` on anything that reads `path`.
    pub(super) fn reading(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Read {
            path: path.to_owned(),
            source,
        }
    }
}
