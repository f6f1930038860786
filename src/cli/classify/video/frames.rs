//! The frames of a video, which ffmpeg writes to a pipe as BMP files.

use std::{
    ffi::OsString,
    io::{self, Read},
    iter,
    path::{Path, PathBuf},
    process::{ChildStdout, Stdio},
};

use bytes::Bytes;

use super::{
    ffmpeg::{Ffmpeg, Process},
    rate::FrameRate,
};
use crate::cli::classify::inputs::{Entry, Frame};

/// Length of the header of a BMP file up to its size in bytes.
const HEADER: usize = 6;
/// Maximum size in bytes of a frame: 64 million pixels, the limit of the decoder, and a header.
const MAX_FRAME: u32 = 3 * 64_000_000 + 1024;

/// Decodes a video. Returns its frames, and its error at the end if there is one.
pub(super) fn read(
    ffmpeg: &Ffmpeg,
    path: PathBuf,
    rate: FrameRate,
) -> Box<dyn Iterator<Item = anyhow::Result<Entry>> + Send> {
    match Frames::start(ffmpeg, &path, rate) {
        Ok(mut frames) => Box::new(iter::from_fn(move || frames.next_entry().map(Ok))),
        Err(error) => {
            let error = format!("cannot run ffmpeg: {error}");
            Box::new(iter::once(Ok(Entry::failure(path, error))))
        }
    }
}

/// A video that is being decoded.
struct Frames {
    path: PathBuf,
    rate: FrameRate,
    number: u64,
    /// `None` after the end.
    process: Option<(Process, ChildStdout)>,
}

impl Frames {
    fn start(ffmpeg: &Ffmpeg, path: &Path, rate: FrameRate) -> io::Result<Self> {
        let mut process = ffmpeg.start(arguments(path, rate), Stdio::null(), Stdio::piped())?;
        let stdout = process.child.stdout.take();
        let stdout = stdout.expect("the output of the process is a pipe");
        Ok(Self {
            path: path.to_owned(),
            rate,
            number: 0,
            process: Some((process, stdout)),
        })
    }

    fn next_entry(&mut self) -> Option<Entry> {
        let (_, stdout) = self.process.as_mut()?;
        let error = match read_bmp(stdout) {
            Ok(Some(image)) => {
                let frame = Frame {
                    number: self.number,
                    time: self.rate.time(self.number),
                    image,
                };
                self.number += 1;
                return Some(Entry::frame(self.path.clone(), frame));
            }
            Ok(None) => None,
            Err(error) => Some(format!("the output of ffmpeg is invalid: {error}")),
        };
        let (process, stdout) = self.process.take()?;
        drop(stdout);
        // The message of ffmpeg says more than the end of its output.
        let error = process.finish().err().or(error);
        let is_empty = self.number == 0;
        let error =
            error.or_else(|| is_empty.then(|| "the video does not contain a frame".to_owned()));
        error.map(|error| Entry::failure(self.path.clone(), error))
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        if let Some((process, _)) = self.process.take() {
            process.kill();
        }
    }
}

/// Returns the arguments of ffmpeg. The frame with number n is the one that a player shows n / rate seconds after the start.
fn arguments(path: &Path, rate: FrameRate) -> Vec<OsString> {
    // A path that begins with `-` or contains `:` is still a file.
    let mut url = OsString::from("file:");
    url.push(path);
    let filter = format!("fps={rate}:round=up:start_time=0");
    let output = [
        "-map",
        "0:v:0",
        "-vf",
        &filter,
        "-f",
        "image2pipe",
        "-c:v",
        "bmp",
        "-",
    ];
    let mut arguments = vec!["-i".into(), url];
    arguments.extend(output.map(OsString::from));
    arguments
}

/// Reads a BMP file, or returns `None` at the end.
fn read_bmp(from: &mut impl Read) -> io::Result<Option<Bytes>> {
    let mut file = Vec::with_capacity(HEADER);
    from.take(HEADER as u64).read_to_end(&mut file)?;
    if file.is_empty() {
        return Ok(None);
    }
    let invalid = |reason: &str| Err(io::Error::new(io::ErrorKind::InvalidData, reason));
    if !file.starts_with(b"BM") {
        return invalid("it is not a BMP file");
    }
    let Some(&size) = file[2..].first_chunk() else {
        return invalid("the last frame is incomplete");
    };
    let size = u32::from_le_bytes(size);
    if size > MAX_FRAME {
        return invalid("a frame has more than 64 million pixels");
    }
    let rest = u64::from(size).saturating_sub(HEADER as u64);
    file.reserve_exact(rest as usize);
    if from.take(rest).read_to_end(&mut file)? as u64 != rest {
        return invalid("the last frame is incomplete");
    }
    Ok(Some(file.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bmp(size: u32, bytes: usize) -> Vec<u8> {
        let mut file = b"BM".to_vec();
        file.extend(size.to_le_bytes());
        file.resize(bytes, 7);
        file
    }

    #[test]
    fn files_in_pipe_are_separated() {
        let pipe = [bmp(20, 20), bmp(9, 9)].concat();
        let mut pipe = pipe.as_slice();
        assert_eq!(read_bmp(&mut pipe).unwrap().unwrap(), bmp(20, 20));
        assert_eq!(read_bmp(&mut pipe).unwrap().unwrap(), bmp(9, 9));
        assert_eq!(read_bmp(&mut pipe).unwrap(), None);
    }

    #[test]
    fn invalid_files_are_rejected() {
        for (pipe, reason) in [
            (bmp(20, 19), "incomplete"),
            (b"BM12".to_vec(), "incomplete"),
            (b"a text".to_vec(), "not a BMP"),
            (bmp(u32::MAX, 100), "64 million"),
        ] {
            let error = read_bmp(&mut pipe.as_slice()).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
