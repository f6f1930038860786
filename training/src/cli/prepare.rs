//! `mien-train prepare`

use std::{io::Write, path::PathBuf, process::ExitCode};

use anyhow::Context;
use mien_faces::{dataset::Split, detection::DetectionOptions};

use crate::{
    onnx::session::Runtime,
    prepare::{self, Options, SeveralFaces},
    train::progress,
};

/// Name of the report in the directory of the data set.
const REPORT: &str = "photos.csv";

/// Exit code if photos could not be read.
const INCOMPLETE: u8 = 2;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Photos in DIR/{train,test}/CLASS/, or in DIR/CLASS/, which becomes the training part.
    #[arg(long, value_name = "DIR")]
    photos: PathBuf,
    /// Directory of the data set to write.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Height and width of the faces in pixels.
    #[arg(long, default_value_t = 48, value_parser = clap::value_parser!(u16).range(16..=512))]
    size: u16,
    /// Treatment of photos with several faces, whose label may apply to any of them.
    #[arg(long, value_enum, default_value_t)]
    several: SeveralFaces,
    /// Minimum score of a face, 0 to 1. The default is above that of `/v1/faces`, because other objects must not become training faces.
    #[arg(long, default_value_t = 0.7, value_parser = parse_score)]
    min_score: f32,
    /// File of the face detector YuNet.
    #[arg(
        long,
        env = "MIEN_DETECTOR",
        value_name = "FILE",
        default_value = ".runtime/yunet/face_detection_yunet_2023mar.onnx"
    )]
    detector: PathBuf,
    /// Number of threads.
    #[arg(long, default_value_t = super::cores(), value_parser = super::at_least_one)]
    threads: usize,
}

fn parse_score(text: &str) -> Result<f32, String> {
    let fits = |score: &f32| (0.0..=1.0).contains(score);
    let score = text.parse().ok().filter(fits);
    score.ok_or_else(|| "a number from 0 to 1".to_owned())
}

impl Args {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let detector = std::fs::read(&self.detector).with_context(|| {
            let path = self.detector.display();
            format!("cannot read the face detector {path}; `cargo xtask setup` installs it")
        })?;
        let photos = prepare::photos(&self.photos)?;
        let options = Options {
            out: self.out,
            side: usize::from(self.size),
            several: self.several,
            detection: DetectionOptions {
                min_score: self.min_score,
                ..DetectionOptions::default()
            },
            threads: self.threads,
        };
        let count = photos.samples(Split::Train).len() + photos.samples(Split::Test).len();
        let bar = progress::bar(count, "{wide_bar} {pos}/{len} {per_sec} [{elapsed}<{eta}]");
        let summary = prepare::prepare(&photos, &Runtime::load()?, &detector, &options, || {
            bar.inc(1);
        })?;
        drop(bar);
        let report = options.out.join(REPORT);
        if summary.written() > 0 {
            summary
                .write_csv(&report)
                .with_context(|| format!("cannot write {}", report.display()))?;
        }
        write!(std::io::stdout().lock(), "{summary}")?;
        Ok(if summary.has_unreadable() {
            ExitCode::from(INCOMPLETE)
        } else {
            ExitCode::SUCCESS
        })
    }
}
