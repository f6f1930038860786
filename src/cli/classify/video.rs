//! Videos: ffmpeg decodes the frames, which are classified like photos, and the faces are followed from frame to frame.
//!
//! ```text
//! ffmpeg -> frames -> Entry -> local or server -> FileResult -> Tracks -> format -> destination
//!                                                                  -> annotate -> ffmpeg
//! ```

mod annotate;
mod canvas;
mod ffmpeg;
mod frames;
mod rate;
mod tracks;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::bail;
use clap::Args;
use mien_faces::tracking::Smoothing;

use self::{annotate::Annotator, ffmpeg::Ffmpeg, rate::FrameRate, tracks::Tracks};
use super::{inputs::Entries, result::FileResult};
use crate::settings::parse;

/// Endings of video files.
const ENDINGS: [&str; 14] = [
    "3gp", "avi", "flv", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "mts", "ogv", "ts", "webm",
    "wmv",
];

/// Flags of videos.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Video")]
pub(super) struct VideoArgs {
    /// Classify frames of the paths at this interval, such as 500ms. Files in any format that ffmpeg reads are videos with this flag
    /// or --fps; without them, files with a known ending such as .mp4 are.
    #[arg(long, value_name = "TIME", value_parser = parse::positive_duration, conflicts_with = "fps")]
    every: Option<Duration>,

    /// Classify this number of frames per second of video, at most 1000. By default 5.
    #[arg(long, value_name = "N", value_parser = FrameRate::parse)]
    fps: Option<FrameRate>,

    /// Weight of the previous frames in the smoothed probabilities, from 0 to less than 1.
    #[arg(long, value_name = "WEIGHT", default_value = "0.5")]
    smoothing: Smoothing,

    /// Write a video of the classified frames with boxes and labels.
    #[arg(long, value_name = "FILE")]
    annotate: Option<PathBuf>,

    /// The program ffmpeg.
    #[arg(
        long,
        env = "MIEN_FFMPEG",
        value_name = "PROGRAM",
        default_value = "ffmpeg"
    )]
    ffmpeg: PathBuf,
}

/// The videos of a run.
pub(super) struct Videos {
    ffmpeg: Ffmpeg,
    paths: Vec<PathBuf>,
    rate: FrameRate,
    smoothing: Smoothing,
    annotate: Option<PathBuf>,
}

impl VideoArgs {
    /// Returns the videos among the paths of the command line, or `None` if the paths are images.
    ///
    /// # Errors
    /// Returns an error if only some paths are videos, if --annotate does not have exactly one video, or if ffmpeg cannot be run.
    pub(super) fn videos(&self, paths: &[PathBuf]) -> anyhow::Result<Option<Videos>> {
        let is_forced = self.every.is_some() || self.fps.is_some();
        let is_video = |path: &&PathBuf| is_forced || has_video_ending(path);
        let videos: Vec<PathBuf> = paths.iter().filter(is_video).cloned().collect();
        if videos.is_empty() {
            if self.annotate.is_some() || is_forced {
                bail!("--annotate, --every and --fps need the path of a video");
            }
            return Ok(None);
        }
        if let Some(image) = paths.iter().find(|path| !videos.contains(path)) {
            bail!(
                "`{}` is not a video, but `{}` is; classify images and videos with separate commands",
                image.display(),
                videos[0].display()
            );
        }
        if self.annotate.is_some() && videos.len() > 1 {
            bail!(
                "--annotate needs exactly one video, and there are {}",
                videos.len()
            );
        }
        Ok(Some(Videos {
            ffmpeg: Ffmpeg::find(&self.ffmpeg)?,
            paths: videos,
            rate: match self.every {
                Some(interval) => FrameRate::every(interval),
                None => self.fps.unwrap_or_default(),
            },
            smoothing: self.smoothing,
            annotate: self.annotate.clone(),
        }))
    }
}

impl Videos {
    /// Returns the frames of all videos. A video that cannot be read is an entry with its error.
    pub(super) fn entries(&self) -> Entries {
        let (ffmpeg, rate) = (self.ffmpeg.clone(), self.rate);
        let videos = self.paths.clone().into_iter();
        Box::new(videos.flat_map(move |path| frames::read(&ffmpeg, path, rate)))
    }

    /// Number of frames that are decoded before they are classified. A frame of 4K takes 25 MB.
    pub(super) const DECODED: usize = 4;
}

/// The steps after the classification of frames.
#[derive(Default)]
pub(super) struct Tracking {
    tracks: Option<Tracks>,
    annotator: Option<Annotator>,
}

impl Tracking {
    /// Starts the tracks, and the video of --annotate. Without videos, results are not changed.
    ///
    /// # Errors
    /// Returns an error if the file of --annotate exists.
    pub(super) fn start(videos: Option<&Videos>, labels: &[String]) -> anyhow::Result<Self> {
        let Some(videos) = videos else {
            return Ok(Self::default());
        };
        let annotate = |path| Annotator::start(&videos.ffmpeg, path, videos.rate, labels);
        Ok(Self {
            tracks: Some(Tracks::new(videos.smoothing)),
            annotator: videos.annotate.as_deref().map(annotate).transpose()?,
        })
    }

    /// Adds tracks to the results of frames, and the frames to the video.
    ///
    /// # Errors
    /// Returns an error if the video cannot be written.
    pub(super) fn add(&mut self, mut results: Vec<FileResult>) -> anyhow::Result<Vec<FileResult>> {
        if let Some(tracks) = &mut self.tracks {
            tracks.add(&mut results)?;
        }
        if let Some(annotator) = self.annotator.take() {
            self.annotator = Some(annotator.add(&results)?);
        }
        Ok(results)
    }

    /// Waits until the video is complete.
    ///
    /// # Errors
    /// Returns an error if the video cannot be written.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        self.annotator.map_or(Ok(()), Annotator::finish)
    }
}

fn has_video_ending(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| {
        ENDINGS
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
    })
}
