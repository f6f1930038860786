use super::put;
use crate::{
    dataset::{Dataset, Split},
    image::{ImageFile, Limits},
};

const PHOTO: &[u8] = include_bytes!("../../../tests/fixtures/rgb.png");

#[test]
fn sample_has_colors_of_its_file() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "test/sad/a.png", PHOTO);
    let data = Dataset::open(root.path()).unwrap();
    let sample = &data.samples(Split::Test)[0];
    let file = ImageFile::open(PHOTO, &Limits::default()).unwrap();
    assert!(sample.read_color().unwrap() == file.decode_color().unwrap().0);

    put(root.path(), "test/sad/a.png", b"x");
    let error = sample.read_color().unwrap_err();
    assert!(error.to_string().contains("sad/a.png"), "{error}");
}

#[test]
fn csv_row_has_equal_channels() {
    let root = tempfile::tempdir().unwrap();
    let csv = b"emotion,pixels,Usage\n6,9 8 7 6,PublicTest\n";
    put(root.path(), "fer2013.csv", csv);
    let data = Dataset::open(root.path()).unwrap();
    let image = data.samples(Split::Test)[0].read_color().unwrap();
    assert_eq!((image.width(), image.height()), (2, 2));
    assert_eq!(image.pixels(), [[9; 3], [8; 3], [7; 3], [6; 3]]);
}
