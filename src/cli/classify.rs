//! `mien classify`: labels image files, with a model in this process or with a running server.
//!
//! ```text
//! inputs -> Entry -> local or server: read, decode, classify -> FileResult -> format -> destination
//! ```
//!
//! All steps run at once on a limited number of files. The results are in the order of the files. The frames of a video are treated like
//! photos; `video` decodes them and follows their faces.

mod backend;
mod destination;
mod format;
mod inputs;
mod local;
mod read;
mod result;
mod search;
mod server;
mod stored;
mod video;

use std::{
    io::{self, Write},
    num::NonZeroUsize,
    process::ExitCode,
    thread,
};

use anyhow::{Context, ensure};
use clap::Args;
use futures_util::{Stream, StreamExt, stream};
use indicatif::ProgressBar;
use tokio::sync::mpsc;

use self::{
    backend::Backend,
    destination::OutputArgs,
    format::{Format, ResultWriter},
    inputs::{Entries, Entry, InputArgs, Skipped},
    local::{BatchSizeSearch, LocalModel, PhotoSearch},
    search::SearchArgs,
    server::Server,
    stored::Stored,
    video::{Tracking, VideoArgs, Videos},
};
use super::{INCOMPLETE, model::ModelArgs, progress};
use crate::settings::{ClientKeySettings, DetectorChoice, parse};

/// Number of files that are listed before they are read.
const LISTED: usize = 1024;

/// Flags of `mien classify`.
#[derive(Debug, Clone, Args)]
pub struct ClassifyArgs {
    #[command(flatten)]
    input: InputArgs,

    #[command(flatten)]
    output: OutputArgs,

    #[command(flatten)]
    video: VideoArgs,

    /// Find the faces in photos. The results have one row per face, and one for a photo without faces. By default each image is one
    /// face.
    #[arg(long, help_heading = "Classification")]
    faces: bool,

    #[command(flatten)]
    search: SearchArgs,

    /// File of the face detector YuNet for --faces. By default the file that `cargo xtask setup` installs.
    #[arg(
        long,
        help_heading = "Classification",
        env = "MIEN_DETECTOR",
        value_name = "FILE"
    )]
    detector: Option<DetectorChoice>,

    /// Send the images to a running server, such as http://127.0.0.1:8080, instead of loading a model. --model selects one of its
    /// models. The other flags of the model and --detector are ignored.
    #[arg(long, help_heading = "Classification", value_name = "URL")]
    server: Option<String>,

    #[command(flatten)]
    key: ClientKeySettings,

    /// Number of files that are read and decoded at once, or with --server the number of requests that are sent at once. By default
    /// twice the number of cores. At most 256.
    #[arg(long, help_heading = "Classification", value_name = "COUNT", value_parser = parse::number::<256>)]
    workers: Option<NonZeroUsize>,

    #[command(flatten)]
    model: ModelArgs,
}

impl ClassifyArgs {
    /// Classifies the files and writes the results in the order of the files.
    ///
    /// # Errors
    /// Returns an error if the list of files cannot be read, the results cannot be written, or the model or the server fails. An
    /// unreadable file is a result.
    pub async fn run(&self) -> anyhow::Result<ExitCode> {
        let format = self.output.format()?;
        let videos = self.video.videos(self.input.paths())?;
        let faces = self.faces || videos.is_some();
        self.check(faces, videos.is_some())?;
        let mut destination = self.output.open()?;
        let skipped = Skipped::default();
        let mut entries = match &videos {
            Some(videos) => videos.entries(),
            None => self.input.entries(&skipped)?,
        };
        let backend = self.backend(faces).await?;
        let schema = backend.schema(faces, videos.is_some());
        let mut stored = destination.resume(format, &schema, &mut entries)?;
        let mut tracking = Tracking::start(videos.as_ref(), &schema.labels)?;

        let bar = progress::open_ended(stored.files);
        if videos.is_none() {
            self.count(&bar);
        }
        let prints = destination.is_stdout();
        let write_error = "cannot write the results";
        let writer = ResultWriter::new(destination.writer(), format, schema, stored.bytes > 0);
        let mut writer = writer.context(write_error)?;
        let listed = videos.as_ref().map_or(LISTED, |_| Videos::DECODED);
        let mut results = backend.results(stream_of(entries, listed));
        while let Some(results) = results.next().await {
            let results = tracking.add(results?)?;
            let mut write = || writer.write(&results, &mut io::stderr());
            let written = if prints { bar.suspend(write) } else { write() };
            written.context(write_error)?;
            stored.add(&results);
            progress::advance(&bar, results.len());
        }
        writer.finish().context(write_error)?;
        tracking.finish()?;
        bar.finish_and_clear();
        report(stored, format, &skipped).context("cannot write to standard error")?;
        let is_complete = stored.failures == 0;
        Ok(ExitCode::from(if is_complete { 0 } else { INCOMPLETE }))
    }

    /// Checks that the flags can be combined.
    fn check(&self, faces: bool, video: bool) -> anyhow::Result<()> {
        let reason = "the tracks of a video depend on all of its frames";
        ensure!(
            !video || !self.output.resume(),
            "--resume cannot continue a video: {reason}"
        );
        ensure!(
            !video || !self.input.is_shard(),
            "--shard cannot divide a video: {reason}"
        );
        ensure!(
            faces || !self.search.is_set(),
            "--min-score, --min-size, --max-faces and --detector-size need --faces or a video"
        );
        Ok(())
    }

    async fn backend(&self, faces: bool) -> anyhow::Result<Backend> {
        let workers = self
            .workers
            .map_or_else(|| 2 * mien_host::cpu::available_cores(), NonZeroUsize::get);
        if let Some(url) = &self.server {
            let search = faces.then_some(&self.search);
            let (key, model) = (self.key.api_key.as_ref(), self.model.requested());
            let server = Server::connect(url, key, model, search, workers);
            return Ok(Backend::Server(server.await?));
        }
        let runtime = self.model.runtime()?;
        let detector = self.detector.as_ref();
        let search = faces
            .then(|| PhotoSearch::start(&runtime, detector, self.search.clone(), workers))
            .transpose()?;
        let model = self.model.load(runtime, Some(BatchSizeSearch::LARGEST))?;
        let searches_batch_size = self.model.leaves_batch_size(&model);
        let local = LocalModel::new(model, searches_batch_size, search, workers);
        Ok(Backend::Local(local))
    }

    /// Counts the files on a thread of its own, so that the bar shows the time that is left. Files of standard input are not counted.
    fn count(&self, bar: &ProgressBar) {
        if bar.is_hidden() || !self.input.is_repeatable() {
            return;
        }
        let (input, bar) = (self.input.clone(), bar.clone());
        thread::spawn(move || {
            if let Ok(entries) = input.entries(&Skipped::default()) {
                progress::set_total(&bar, entries.count() as u64);
            }
        });
    }
}

/// Lists up to `count` files in advance on a thread of its own, because directories and pipes can be slow.
fn stream_of(entries: Entries, count: usize) -> impl Stream<Item = anyhow::Result<Entry>> {
    let (sender, mut receiver) = mpsc::channel(count);
    thread::spawn(move || {
        for entry in entries {
            if sender.blocking_send(entry).is_err() {
                return;
            }
        }
    });
    stream::poll_fn(move |context| receiver.poll_recv(context))
}

/// Reports files without a label to standard error.
fn report(stored: Stored, format: Format, skipped: &Skipped) -> io::Result<()> {
    let Stored {
        files, failures, ..
    } = stored;
    let mut errors = io::stderr();
    // A table has a line per unreadable file.
    if failures > 0 && format != Format::Table {
        writeln!(
            errors,
            "{failures} of {files} files cannot be read; `error` has the reasons"
        )?;
    }
    let skipped = skipped.count();
    if skipped > 0 {
        writeln!(
            errors,
            "{skipped} files in directories are not images and were skipped"
        )?;
    }
    if files == 0 {
        writeln!(errors, "no images were found")?;
    }
    Ok(())
}
