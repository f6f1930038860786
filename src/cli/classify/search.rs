//! Flags of the search for faces in photos.

use clap::Args;
use mien_faces::detection::{DetectionOptions, LongSide};

use crate::{detection::PhotoOptions, settings::parse};

/// Maximum number of faces of a photo. It is the default limit of a server for all photos of a request.
const MAX_FACES: u64 = 256;

/// Flags of `--faces` and videos. A flag that is not set has the default of `/v1/faces`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Classification")]
pub(super) struct SearchArgs {
    /// Minimum score of a face with --faces, 0 to 1. By default 0.5. A higher score reduces the number of detections that are not
    /// faces.
    #[arg(long, value_name = "SCORE", value_parser = parse::share)]
    min_score: Option<f64>,

    /// Minimum size of a face with --faces, in pixels of the photo: the square root of the area of its box. By default 10.
    #[arg(long, value_name = "PIXELS", value_parser = size)]
    min_size: Option<f32>,

    /// Maximum number of faces of a photo with --faces; the largest ones are classified. By default 100. At most 256.
    #[arg(long, value_name = "COUNT", value_parser = parse::count::<MAX_FACES>)]
    max_faces: Option<u64>,

    /// Longer side in pixels of the copy of a photo in which --faces searches: 320 for portraits, 640 (default) or 1280 for crowds.
    #[arg(long, value_name = "PIXELS", value_parser = detector_size)]
    detector_size: Option<LongSide>,
}

impl SearchArgs {
    /// Returns the options of a search that crops faces of `side` rows and columns.
    pub(super) fn options(&self, side: usize) -> PhotoOptions {
        let default = DetectionOptions::default();
        let max_faces = self.max_faces.and_then(|count| usize::try_from(count).ok());
        PhotoOptions {
            long_side: self.detector_size.unwrap_or_default(),
            detection: DetectionOptions {
                min_score: self
                    .min_score
                    .map_or(default.min_score, |score| score as f32),
                min_size: self.min_size.unwrap_or(default.min_size),
                max_faces: max_faces.unwrap_or(default.max_faces),
            },
            side,
        }
    }

    /// Returns whether a flag is set.
    pub(super) fn is_set(&self) -> bool {
        !self.query().is_empty()
    }

    /// Returns the parameters of `/v1/faces` for the flags that are set.
    pub(super) fn query(&self) -> Vec<(&'static str, String)> {
        let detector_size = self.detector_size.map(LongSide::pixels);
        let parameters = [
            ("min_score", self.min_score.map(|score| score.to_string())),
            ("min_size", self.min_size.map(|size| size.to_string())),
            ("max_faces", self.max_faces.map(|count| count.to_string())),
            ("detector_size", detector_size.map(|side| side.to_string())),
        ];
        let set = |(name, value): (_, Option<String>)| value.map(|value| (name, value));
        parameters.into_iter().filter_map(set).collect()
    }

    /// Returns whether the default limit of a server suffices for two photos of a request.
    pub(super) fn fits_two_photos(&self) -> bool {
        self.max_faces.is_none_or(|count| 2 * count <= MAX_FACES)
    }
}

fn size(text: &str) -> Result<f32, String> {
    let size = text.parse().ok();
    let size = size.filter(|size: &f32| size.is_finite() && *size >= 0.0);
    size.ok_or_else(|| "expected a number of pixels from 0".to_owned())
}

fn detector_size(text: &str) -> Result<LongSide, String> {
    let pixels: u32 = text.parse().map_err(|_| "expected 320, 640 or 1280")?;
    LongSide::try_from(pixels).map_err(|error| error.to_string())
}
