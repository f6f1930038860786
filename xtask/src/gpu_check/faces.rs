//! A data set for the check: variants of the real faces that the repository contains.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use image::{GrayImage, imageops};

use crate::workspace::root;

/// The classes, in the order of the sheet of faces.
const CLASSES: [&str; 7] = [
    "angry", "disgust", "fear", "happy", "neutral", "sad", "surprise",
];

/// Side of a face, px.
const SIDE: u32 = 48;

/// Faces of each class, one below the other.
const SHEET: &str = "src/inference/agreement/faces.png";

/// Shifts of the variants, px to the right and down.
const TEST_SHIFTS: [(i64, i64); 5] = [(0, 0), (2, 0), (-2, 0), (0, 2), (0, -2)];
const TRAINING_SHIFTS: [(i64, i64); 2] = [(1, 1), (-1, -1)];

/// Gray levels that are added to the pixels of the variants.
const BRIGHTNESS: [i32; 3] = [-24, 0, 24];

/// A split of the data set and the shifts of its variants.
const SPLITS: [(&str, &[(i64, i64)]); 2] = [("train", &TRAINING_SHIFTS), ("test", &TEST_SHIFTS)];

/// Writes `train/CLASS/*.png` with 420 faces and `test/CLASS/*.png` with 1,050 faces of 48x48 pixels.
///
/// # Errors
/// Returns an error if the faces of the repository cannot be read, or a file cannot be written.
pub(super) fn write(folder: &Path) -> Result<()> {
    for (class, faces) in CLASSES.iter().zip(real_faces()?) {
        for (split, shifts) in SPLITS {
            let folder = folder.join(split).join(class);
            std::fs::create_dir_all(&folder)
                .with_context(|| format!("cannot create {}", folder.display()))?;
            let variants = faces.iter().flat_map(|face| variants(face, shifts));
            for (number, variant) in variants.enumerate() {
                let path = folder.join(format!("{number:03}.png"));
                variant
                    .save(&path)
                    .with_context(|| format!("cannot write {}", path.display()))?;
            }
        }
    }
    Ok(())
}

/// Reads the faces of each class: those of the sheet, and the fixture of the tests.
fn real_faces() -> Result<Vec<Vec<GrayImage>>> {
    let sheet = read(SHEET)?;
    let count = sheet.height() / SIDE;
    let per_class = count / CLASSES.len() as u32;
    ensure!(
        sheet.width() == SIDE && per_class > 0,
        "{SHEET} has {}x{} pixels; expected at least {} faces of {SIDE}x{SIDE} pixels",
        sheet.width(),
        sheet.height(),
        CLASSES.len()
    );
    let faces_of = |(class, number): (&&str, u32)| {
        let first = number * per_class;
        let cut = |face| imageops::crop_imm(&sheet, 0, face * SIDE, SIDE, SIDE).to_image();
        let mut faces: Vec<_> = (first..first + per_class).map(cut).collect();
        faces.push(read(&format!("tests/fixtures/faces/{class}.png"))?);
        Ok(faces)
    };
    CLASSES.iter().zip(0..).map(faces_of).collect()
}

fn read(name: &str) -> Result<GrayImage> {
    let image = image::open(root().join(name)).with_context(|| format!("cannot read {name}"))?;
    Ok(image.into_luma8())
}

/// Returns the face and its mirror image with all shifts and brightnesses.
fn variants(face: &GrayImage, shifts: &[(i64, i64)]) -> impl Iterator<Item = GrayImage> {
    let views = [face.clone(), imageops::flip_horizontal(face)];
    let shifts = shifts.to_vec();
    views.into_iter().flat_map(move |view| {
        let shifted = shifts.clone().into_iter().map(move |by| shift(&view, by));
        shifted.flat_map(|face| BRIGHTNESS.map(|by| imageops::brighten(&face, by)))
    })
}

/// Shifts a face. The pixels of the border fill the gap.
fn shift(face: &GrayImage, (right, down): (i64, i64)) -> GrayImage {
    let source = |at: u32, by: i64, length: u32| {
        let at = (i64::from(at) - by).clamp(0, i64::from(length) - 1);
        u32::try_from(at).expect("the coordinate was limited to the image")
    };
    let (width, height) = face.dimensions();
    GrayImage::from_fn(width, height, |x, y| {
        *face.get_pixel(source(x, right, width), source(y, down, height))
    })
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, fs};

    use super::*;

    /// The pixels of all faces of a split.
    fn pixels(folder: &Path) -> Vec<Vec<u8>> {
        let classes = CLASSES.iter().flat_map(|class| {
            let files = fs::read_dir(folder.join(class)).unwrap();
            files.map(|file| file.unwrap().path()).collect::<Vec<_>>()
        });
        let decoded = classes.map(|path| image::open(path).unwrap().into_luma8());
        decoded
            .inspect(|face| assert_eq!(face.dimensions(), (SIDE, SIDE)))
            .map(GrayImage::into_raw)
            .collect()
    }

    #[test]
    fn data_set_has_distinct_faces_of_all_classes() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        let [train, test] = ["train", "test"].map(|split| pixels(&folder.path().join(split)));
        assert_eq!((train.len(), test.len()), (420, 1050));
        let distinct: HashSet<_> = train.iter().chain(&test).collect();
        assert_eq!(distinct.len(), 1470);
    }

    #[test]
    fn shift_moves_pixels_and_repeats_border() {
        let face = GrayImage::from_raw(3, 2, vec![1, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!(shift(&face, (1, 0)).into_raw(), [1, 1, 2, 4, 4, 5]);
        assert_eq!(shift(&face, (0, -1)).into_raw(), [4, 5, 6, 4, 5, 6]);
    }
}
