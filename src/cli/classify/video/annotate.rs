//! Writes a video of the classified frames with boxes and labels.

use std::{
    ffi::OsString,
    io::Write,
    path::{Path, PathBuf},
    process::{ChildStdin, Stdio},
    sync::mpsc::{SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use image::{ImageFormat, RgbImage};
use mien_faces::image::BoundingBox;

use super::{
    canvas::Canvas,
    ffmpeg::{Ffmpeg, Process},
    rate::FrameRate,
};
use crate::cli::classify::result::{FileResult, LocatedFace, Outcome};

/// Number of frames that wait to be drawn.
const WAITING: usize = 4;

/// A frame with its faces.
struct Annotation {
    image: Bytes,
    /// Box, track and text of each face.
    faces: Vec<(BoundingBox, u64, String)>,
}

/// Draws and encodes frames on a thread of its own.
pub(in crate::cli::classify) struct Annotator {
    path: PathBuf,
    labels: Vec<String>,
    frames: SyncSender<Annotation>,
    encoder: JoinHandle<anyhow::Result<()>>,
}

impl Annotator {
    /// Starts the thread. ffmpeg starts with the first frame.
    ///
    /// # Errors
    /// Returns an error if the file exists.
    pub(super) fn start(
        ffmpeg: &Ffmpeg,
        path: &Path,
        rate: FrameRate,
        labels: &[String],
    ) -> anyhow::Result<Self> {
        ensure!(
            !path.exists(),
            "--annotate: `{}` exists; delete it or choose another file",
            path.display()
        );
        let (frames, waiting) = sync_channel::<Annotation>(WAITING);
        let (ffmpeg, target) = (ffmpeg.clone(), path.to_owned());
        let encoder = thread::spawn(move || {
            let mut encoder: Option<Encoder> = None;
            for annotation in waiting {
                let frame = annotation.draw()?;
                let running = match encoder.take() {
                    Some(encoder) => encoder,
                    None => Encoder::start(&ffmpeg, &target, rate, &frame)?,
                };
                encoder = Some(running.write(&frame)?);
            }
            encoder.map_or(Ok(()), Encoder::finish)
        });
        Ok(Self {
            path: path.to_owned(),
            labels: labels.to_vec(),
            frames,
            encoder,
        })
    }

    /// Adds frames in order. Results that are not frames are ignored.
    ///
    /// # Errors
    /// Returns an error if the video cannot be written.
    pub(in crate::cli::classify) fn add(self, results: &[FileResult]) -> anyhow::Result<Self> {
        for result in results {
            let (Some(frame), Outcome::Faces(faces)) = (&result.frame, &result.outcome) else {
                continue;
            };
            let annotation = Annotation {
                image: frame.image.clone(),
                faces: faces.iter().map(|face| self.annotation(face)).collect(),
            };
            if self.frames.send(annotation).is_err() {
                self.finish()?;
                bail!("the thread that encodes the video ended");
            }
        }
        Ok(self)
    }

    fn annotation(&self, face: &LocatedFace) -> (BoundingBox, u64, String) {
        let Some(track) = &face.track else {
            return (face.face_box, 0, String::new());
        };
        let (class, confidence) = track.smoothed.top();
        let label = self.labels.get(class).map_or("", String::as_str);
        let text = format!("{} {label} {:.0}%", track.id, 100.0 * confidence);
        (face.face_box, track.id, text)
    }

    /// Waits until the video is complete.
    ///
    /// # Errors
    /// Returns an error if the video cannot be written.
    pub(in crate::cli::classify) fn finish(self) -> anyhow::Result<()> {
        drop(self.frames);
        let written = self.encoder.join();
        let written = written.unwrap_or_else(|_| bail!("the thread that encodes it panicked"));
        written.with_context(|| format!("cannot write the video `{}`", self.path.display()))
    }
}

impl Annotation {
    fn draw(&self) -> anyhow::Result<RgbImage> {
        let image = image::load_from_memory_with_format(&self.image, ImageFormat::Bmp);
        let mut canvas = Canvas(image.context("cannot decode a frame")?.into_rgb8());
        for (face_box, track, text) in &self.faces {
            canvas.draw_face(face_box, *track, text);
        }
        Ok(canvas.0)
    }
}

/// A process that encodes a video.
struct Encoder {
    process: Process,
    stdin: ChildStdin,
    size: (u32, u32),
}

impl Encoder {
    fn start(
        ffmpeg: &Ffmpeg,
        path: &Path,
        rate: FrameRate,
        first: &RgbImage,
    ) -> anyhow::Result<Self> {
        let (width, height) = first.dimensions();
        let arguments = arguments(path, rate, (width, height));
        let process = ffmpeg.start(arguments, Stdio::piped(), Stdio::null());
        let mut process = process.context("cannot run ffmpeg")?;
        let stdin = process.child.stdin.take();
        Ok(Self {
            process,
            stdin: stdin.expect("the input of the process is a pipe"),
            size: (width, height),
        })
    }

    fn write(mut self, frame: &RgbImage) -> anyhow::Result<Self> {
        if frame.dimensions() != self.size {
            self.process.kill();
            bail!("the size of the frames changes");
        }
        if let Err(error) = self.stdin.write_all(frame.as_raw()) {
            // The message of ffmpeg says why it has closed the pipe.
            self.finish()?;
            return Err(error.into());
        }
        Ok(self)
    }

    fn finish(self) -> anyhow::Result<()> {
        let Self { process, stdin, .. } = self;
        drop(stdin);
        process.finish().map_err(anyhow::Error::msg)
    }
}

/// Returns the arguments of ffmpeg. Most players need even sides and the pixel format `yuv420p`.
fn arguments(path: &Path, rate: FrameRate, (width, height): (u32, u32)) -> Vec<OsString> {
    let (size, rate) = (format!("{width}x{height}"), rate.to_string());
    let input = [
        "-n",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-video_size",
        &size,
    ];
    let input = input
        .into_iter()
        .chain(["-framerate", &rate, "-i", "pipe:0"]);
    let output = [
        "-vf",
        "pad=ceil(iw/2)*2:ceil(ih/2)*2",
        "-pix_fmt",
        "yuv420p",
    ];
    let mut arguments: Vec<OsString> = input.chain(output).map(OsString::from).collect();
    let mut url = OsString::from("file:");
    url.push(path);
    arguments.push(url);
    arguments
}
