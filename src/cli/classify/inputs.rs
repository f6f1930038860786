//! The list of files: paths, directories, patterns or a list in a file.

mod expansion;
mod frame;
mod shard;

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::Context;
use clap::Args;

pub(super) use self::frame::Frame;
use self::shard::Shard;

/// The value of `--from` for standard input.
const STANDARD_INPUT: &str = "-";

/// Flags that select the files.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Input")]
pub(super) struct InputArgs {
    /// Image files, directories or patterns such as `'photos/**/*.jpg'`, or videos. A directory stands for the images in it and in its
    /// subdirectories, sorted by name, except hidden ones. Formats of images: JPEG, PNG, WebP, BMP and GIF.
    #[arg(value_name = "PATH", required_unless_present = "from")]
    paths: Vec<PathBuf>,

    /// Read paths of files and directories from FILE, one per line; `-` is standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "paths")]
    from: Option<PathBuf>,

    /// Classify only part I of N of the files, such as 1/4: every Nth file, beginning with the Ith. All parts need the same list.
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
}

/// A file to classify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The path as rows show it.
    pub(super) path: PathBuf,
    /// The frame, if the path is a video.
    pub(super) frame: Option<Frame>,
    /// Why the path cannot be read.
    pub(super) error: Option<String>,
}

impl Entry {
    fn file(path: PathBuf) -> Self {
        Self {
            path,
            frame: None,
            error: None,
        }
    }

    /// Creates the entry of a frame of a video.
    pub(super) fn frame(path: PathBuf, frame: Frame) -> Self {
        Self {
            frame: Some(frame),
            ..Self::file(path)
        }
    }

    /// Creates the entry of a path that cannot be read.
    pub(super) fn failure(path: PathBuf, error: String) -> Self {
        Self {
            error: Some(error),
            ..Self::file(path)
        }
    }

    /// Returns the name in rows.
    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// Number of files in directories that are not images.
#[derive(Debug, Clone, Default)]
pub(super) struct Skipped(Arc<AtomicU64>);

impl Skipped {
    fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of files so far.
    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The files in order. They are listed while they are read. An error means that the list itself cannot be read.
pub(super) type Entries = Box<dyn Iterator<Item = anyhow::Result<Entry>> + Send>;

impl InputArgs {
    /// Lists the files. Files in directories that are not images are counted in `skipped`.
    ///
    /// # Errors
    /// Returns an error if the file of `--from` cannot be opened.
    pub(super) fn entries(&self, skipped: &Skipped) -> anyhow::Result<Entries> {
        let skipped = skipped.clone();
        let entries: Entries = match &self.from {
            None => {
                let paths = self.paths.clone().into_iter();
                Box::new(
                    paths
                        .flat_map(move |path| expansion::argument(path, &skipped))
                        .map(Ok),
                )
            }
            Some(from) => {
                let lines = lines(from)?;
                Box::new(lines.flat_map(move |path| listed(path, &skipped)))
            }
        };
        Ok(match self.shard {
            Some(shard) => Box::new(shard.select(entries)),
            None => entries,
        })
    }

    /// Returns the paths of the command line.
    pub(super) fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Returns whether only a part of the files is classified.
    pub(super) fn is_shard(&self) -> bool {
        self.shard.is_some()
    }

    /// Returns whether the files can be listed a second time.
    pub(super) fn is_repeatable(&self) -> bool {
        self.from
            .as_ref()
            .is_none_or(|from| from != Path::new(STANDARD_INPUT) && from.is_file())
    }
}

/// Returns the files of a line of a list.
fn listed(path: anyhow::Result<PathBuf>, skipped: &Skipped) -> Entries {
    match path {
        Ok(path) => Box::new(expansion::path(path, skipped).map(Ok)),
        Err(error) => Box::new(std::iter::once(Err(error))),
    }
}

/// Returns the lines of a file that are not empty.
fn lines(
    from: &Path,
) -> anyhow::Result<impl Iterator<Item = anyhow::Result<PathBuf>> + Send + use<>> {
    let source: Box<dyn Read + Send> = if from == Path::new(STANDARD_INPUT) {
        Box::new(io::stdin())
    } else {
        let file = File::open(from);
        Box::new(file.with_context(|| format!("cannot read the list `{}`", from.display()))?)
    };
    let from = from.display().to_string();
    let lines = BufReader::new(source).split(b'\n');
    Ok(lines.filter_map(move |line| match line {
        Ok(line) => {
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            (!line.is_empty()).then(|| Ok(path_of(line)))
        }
        Err(error) => Some(Err(
            anyhow::Error::new(error).context(format!("cannot read the list `{from}`"))
        )),
    }))
}

/// Returns the path that these bytes name.
#[cfg(unix)]
fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::OsStr::from_bytes(bytes).into()
}

/// Returns the path that these bytes name.
#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}
