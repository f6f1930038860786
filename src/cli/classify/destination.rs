//! The file or stream that the results are written to.

use std::{
    fs::{File, TryLockError},
    io::{self, BufWriter, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args;

use super::{
    format::{Format, Schema},
    inputs::Entry,
    stored::{self, Stored},
};

/// Flags of the output.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    /// Format of the results. By default the ending of --output selects it (.csv, .jsonl or .parquet); standard output gets a table, also if
    /// it is a pipe.
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,

    /// Print one JSON document, which is complete when the command ends.
    #[arg(long, conflicts_with_all = ["format", "output", "server", "faces"])]
    json: bool,

    /// Write the results to FILE instead of standard output. The file must not exist or must be empty, except with --resume.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Continue the file of --output after its last complete result. The list of files must be the same as before. Unreadable files
    /// are not tried again.
    #[arg(long, requires = "output")]
    resume: bool,
}

impl OutputArgs {
    /// Returns the format.
    ///
    /// # Errors
    /// Returns an error if the ending of the file does not select a format, or if the format cannot be continued.
    pub(super) fn format(&self) -> anyhow::Result<Format> {
        let format = match (self.json, self.format, &self.output) {
            (true, ..) => Format::Json,
            (_, Some(format), _) => format,
            (_, None, None) => Format::Table,
            (_, None, Some(path)) => match path.extension().and_then(|ending| ending.to_str()) {
                Some("csv") => Format::Csv,
                Some("jsonl") => Format::Jsonl,
                Some("parquet") => Format::Parquet,
                _ => bail!(
                    "`{}` does not end with .csv, .jsonl or .parquet; choose the format with --format",
                    path.display()
                ),
            },
        };
        if self.resume && !matches!(format, Format::Csv | Format::Jsonl) {
            bail!("--resume needs the format csv or jsonl; other formats cannot be continued");
        }
        if format == Format::Parquet && self.output.is_none() {
            bail!("the format parquet needs --output");
        }
        Ok(format)
    }

    /// Returns whether a file is continued.
    pub(super) fn resume(&self) -> bool {
        self.resume
    }

    /// Opens the destination before any work is done.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written, is used by another process, or has content without --resume.
    pub(super) fn open(&self) -> anyhow::Result<Destination> {
        let target = match &self.output {
            None => Target::Stdout,
            Some(path) => open(path, self.resume)?,
        };
        let resume = self.resume;
        Ok(Destination { target, resume })
    }
}

/// An opened destination.
#[derive(Debug)]
pub(super) struct Destination {
    target: Target,
    resume: bool,
}

#[derive(Debug)]
enum Target {
    Stdout,
    /// A regular file, which is locked.
    File(File, PathBuf),
    /// A device or a pipe.
    Stream(File),
}

impl Destination {
    /// Finds the results that the file has already, takes their files from `entries`, and removes an incomplete result at the end
    /// of the file.
    ///
    /// # Errors
    /// Returns an error if the file does not begin with results of the same files, or cannot be read or written.
    pub(super) fn resume(
        &mut self,
        format: Format,
        schema: &Schema,
        entries: &mut dyn Iterator<Item = anyhow::Result<Entry>>,
    ) -> anyhow::Result<Stored> {
        let Target::File(file, path) = &mut self.target else {
            return Ok(Stored::default());
        };
        if !self.resume {
            return Ok(Stored::default());
        }
        let found = stored::find(file, format, schema, entries).and_then(|stored| {
            file.set_len(stored.bytes)?;
            file.seek(SeekFrom::Start(stored.bytes))?;
            Ok(stored)
        });
        found.with_context(|| format!("cannot continue `{}`", path.display()))
    }

    /// Returns whether the results are lines on standard output.
    pub(super) fn is_stdout(&self) -> bool {
        matches!(self.target, Target::Stdout)
    }

    /// Returns the writer of the results.
    pub(super) fn writer(self) -> BufWriter<Box<dyn Write + Send>> {
        BufWriter::new(match self.target {
            Target::Stdout => Box::new(io::stdout()),
            Target::File(file, _) | Target::Stream(file) => Box::new(file),
        })
    }
}

fn open(path: &Path, resume: bool) -> anyhow::Result<Target> {
    let shown = path.display();
    let file = File::options()
        .read(path.is_file() || !path.exists())
        .write(true)
        .create(true)
        .truncate(false)
        .open(path);
    let file = file.with_context(|| {
        format!("cannot write `{shown}`; check that its directory exists and is writable")
    })?;
    let metadata = file
        .metadata()
        .with_context(|| format!("cannot read the size of `{shown}`"))?;
    if !metadata.is_file() {
        return Ok(Target::Stream(file));
    }
    match file.try_lock() {
        // Some network file systems have no locks.
        Ok(()) => {}
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
        Err(TryLockError::WouldBlock) => {
            bail!("another process writes to `{shown}`; choose another --output")
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock `{shown}`"));
        }
    }
    if metadata.len() > 0 && !resume {
        bail!("`{shown}` exists; continue it with --resume, delete it, or choose another --output");
    }
    Ok(Target::File(file, path.to_owned()))
}
