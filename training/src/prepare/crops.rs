//! The crop of one photo.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use mien_faces::dataset::{Sample, Split};
use mien_host::atomic_file;

use super::{Options, PhotoOutcome, PrepareError, SeveralFaces};
use crate::onnx::yunet::YuNet;

/// Checks that a directory does not exist or is empty.
pub(super) fn require_empty(directory: &Path) -> Result<(), PrepareError> {
    match fs::read_dir(directory) {
        Ok(mut entries) => match entries.next() {
            Some(_) => Err(PrepareError::NotEmpty(directory.to_owned())),
            None => Ok(()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(PrepareError::io(directory)(error)),
    }
}

/// Finds the face in a photo and writes its crop.
pub(super) fn crop(
    sample: &Sample,
    split: Split,
    detector: &mut YuNet,
    options: &Options,
) -> Result<PhotoOutcome, PrepareError> {
    let photo = match sample.read_color() {
        Ok(photo) => photo,
        Err(error) => return Ok(PhotoOutcome::Unreadable(error.to_string())),
    };
    let faces = detector.find(&photo, &options.detection)?;
    let outcome = match (faces.len(), options.several) {
        (0, _) => return Ok(PhotoOutcome::NoFace),
        (1, _) => PhotoOutcome::OneFace,
        (count, SeveralFaces::Skip) => return Ok(PhotoOutcome::Skipped(count)),
        (count, SeveralFaces::Largest) => PhotoOutcome::LargestOf(count),
    };
    let face = photo.crop_face(&faces[0].face_box, options.side);
    let file = file(sample, split, &options.out);
    let folder = file.parent().unwrap_or(&file);
    fs::create_dir_all(folder).map_err(PrepareError::io(folder))?;
    atomic_file::write(&file, &face.png()).map_err(PrepareError::io(&file))?;
    Ok(outcome)
}

/// Returns the file of a crop. Its name contains the whole name of the photo within its class, so that `a.jpg` and `a.png` have
/// different crops.
fn file(sample: &Sample, split: Split, out: &Path) -> PathBuf {
    let within_class = sample.name.splitn(3, '/').nth(2).unwrap_or(&sample.name);
    let name = format!("{}.png", within_class.replace('/', "_"));
    out.join(split.name())
        .join(sample.expression.label())
        .join(name)
}
