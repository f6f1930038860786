//! Finds the external data of an ONNX file: files with the values of tensors (ONNX, "External Data"). Only the structure of the
//! file is read. The values of tensors are skipped, because they may have gigabytes.

use std::{
    collections::BTreeSet,
    io::{self, BufRead, BufReader, Read, Seek},
    path::{Component, Path, PathBuf},
};

use super::{
    onnx_metadata::{Field, MAX_ENTRY_LENGTH, parse_entry, read_tag},
    regular_file,
};
use crate::{
    excerpt::Excerpt,
    inference::{InferenceError, invalid_model},
};

/// Maximum number of external files of a model.
const MAX_FILES: usize = 10_000;

/// Maximum size of all external files of a model in bytes. They are read to identify the model, and reading a sparse file of
/// terabytes would block the thread that loads models.
pub(super) const MAX_SIZE: u64 = 16 << 30;

/// Maximum depth of nested messages. A graph in an attribute of a node is three levels deeper than the graph of the node.
const MAX_DEPTH: usize = 96;

/// `TensorProto.external_data` and `TensorProto.data_location`.
const EXTERNAL_DATA: u64 = 13;
const DATA_LOCATION: u64 = 14;
/// `DataLocation::EXTERNAL`.
const EXTERNAL: u64 = 1;

/// The external data of a model file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ExternalData {
    /// Locations relative to the directory of the model file.
    pub(super) locations: BTreeSet<String>,
    /// Whether the structure of the whole file was read. Otherwise the list may be incomplete.
    pub(super) is_complete: bool,
}

impl ExternalData {
    /// Reads the structure of a model file.
    ///
    /// # Errors
    /// Returns an error if the file cannot be opened.
    pub(super) fn of(model: &Path) -> io::Result<Self> {
        Ok(Self::read(BufReader::new(regular_file::open_model(model)?)))
    }

    /// Reads the structure of a model.
    pub(crate) fn read(file: impl BufRead + Seek) -> Self {
        let mut walk = Walk {
            file,
            position: 0,
            locations: BTreeSet::new(),
        };
        let is_complete = walk.message(Message::Model, u64::MAX, 0).is_some();
        Self {
            locations: walk.locations,
            is_complete,
        }
    }

    /// Returns the paths of the files, in the order of their locations.
    ///
    /// # Errors
    /// Returns an error, without an absolute path, if a file does not exist or is outside of `directory`, or if the files
    /// are too large.
    pub(super) fn paths(&self, directory: &Path) -> Result<Vec<PathBuf>, InferenceError> {
        let path = |location: &String| inside(directory, location);
        let paths: Vec<PathBuf> = self.locations.iter().map(path).collect::<Result<_, _>>()?;
        let size = |path: &PathBuf| path.metadata().map_or(0, |metadata| metadata.len());
        let total = paths.iter().map(size).fold(0, u64::saturating_add);
        if total > MAX_SIZE {
            return invalid_model(format!(
                "its external data has {total} bytes; the maximum is {MAX_SIZE}"
            ));
        }
        Ok(paths)
    }
}

/// Returns the path of an external file. Symbolic links must not lead out of the directory.
fn inside(directory: &Path, location: &str) -> Result<PathBuf, InferenceError> {
    let relative = Path::new(location);
    let is_inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    let outside = "its external data is outside of the directory of the version; put all files of a model into this directory";
    if !relative.components().all(is_inside) {
        return invalid_model(outside);
    }
    let path = directory.join(relative);
    let resolved = |path: &Path| path.canonicalize().ok();
    match (resolved(directory), resolved(&path)) {
        (Some(directory), Some(file)) if !file.starts_with(&directory) => invalid_model(outside),
        (_, Some(file)) if file.is_file() => Ok(path),
        (_, Some(file)) if !file.is_dir() => invalid_model(format!(
            "its external data `{}` is not a regular file; replace it by the file with the values",
            Excerpt(location)
        )),
        _ => invalid_model(format!(
            "its external data `{}` does not exist; put the file next to the model file",
            Excerpt(location)
        )),
    }
}

/// The messages of ONNX that contain tensors.
#[derive(Debug, Clone, Copy)]
enum Message {
    Model,
    TrainingInfo,
    Function,
    Graph,
    Node,
    Attribute,
    SparseTensor,
    Tensor,
}

impl Message {
    /// Returns the message in a field (`onnx.proto3`).
    fn child(self, field: u64) -> Option<Self> {
        let child = match (self, field) {
            (Self::Model, 7) | (Self::TrainingInfo, 1 | 2) | (Self::Attribute, 6 | 11) => {
                Self::Graph
            }
            (Self::Model, 20) => Self::TrainingInfo,
            (Self::Model, 25) => Self::Function,
            (Self::Graph, 1) | (Self::Function, 7) => Self::Node,
            (Self::Node, 5) | (Self::Function, 11) => Self::Attribute,
            (Self::Graph, 15) | (Self::Attribute, 22 | 23) => Self::SparseTensor,
            (Self::Graph, 5) | (Self::Attribute, 5 | 10) | (Self::SparseTensor, 1 | 2) => {
                Self::Tensor
            }
            _ => return None,
        };
        Some(child)
    }
}

/// Reads the messages of a file and collects the locations of external data.
struct Walk<R> {
    file: R,
    /// Number of bytes before the next byte of `file`.
    position: u64,
    locations: BTreeSet<String>,
}

impl<R: Read> Read for Walk<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl<R: BufRead + Seek> Walk<R> {
    /// Reads a message that ends at the position `end` or at the end of the file. Returns `None` if the message is invalid or
    /// exceeds a limit.
    fn message(&mut self, message: Message, end: u64, depth: usize) -> Option<()> {
        let (mut location, mut is_external) = (None, false);
        while self.position < end && !self.file.fill_buf().ok()?.is_empty() {
            match read_tag(self)? {
                (DATA_LOCATION, Field::Number(number)) => is_external = number == EXTERNAL,
                (_, Field::Number(_)) => {}
                (field, Field::Bytes(length)) => {
                    let next = self.position.checked_add(length)?;
                    if next > end {
                        return None;
                    }
                    match (message, field) {
                        (Message::Tensor, EXTERNAL_DATA) => {
                            let (key, value) = self.entry(length)?;
                            if key == "location" {
                                location = Some(value);
                            }
                        }
                        _ => match message.child(field) {
                            Some(_) if depth == MAX_DEPTH => return None,
                            Some(child) => self.message(child, next, depth + 1)?,
                            None => self.skip(length)?,
                        },
                    }
                }
            }
        }
        if matches!(message, Message::Tensor) && is_external {
            self.locations.insert(location?);
        }
        // The outermost message ends with the file; the others have a length.
        let is_whole = depth == 0 || self.position == end;
        (is_whole && self.locations.len() <= MAX_FILES).then_some(())
    }

    fn entry(&mut self, length: u64) -> Option<(String, String)> {
        if length > MAX_ENTRY_LENGTH {
            return None;
        }
        let mut entry = vec![0; usize::try_from(length).ok()?];
        self.read_exact(&mut entry).ok()?;
        parse_entry(&entry)
    }

    fn skip(&mut self, length: u64) -> Option<()> {
        self.file.seek_relative(i64::try_from(length).ok()?).ok()?;
        self.position += length;
        Some(())
    }
}

#[cfg(test)]
mod tests;
