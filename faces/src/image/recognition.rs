//! Recognition of image files in directories.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use super::format::Format;

/// Extensions of image files in lower case. The format of other files is detected by their first bytes.
const EXTENSIONS: [&str; 6] = ["bmp", "gif", "jpeg", "jpg", "png", "webp"];

/// Number of bytes that identify a format.
const SIGNATURE_LENGTH: u64 = 16;

/// Returns whether a path is a regular file that has the extension of an image, or otherwise begins like one.
///
/// # Errors
/// Returns an error if a file without such an extension cannot be read.
pub fn is_image_file(path: &Path) -> io::Result<bool> {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    if !path.is_file() {
        return Ok(false);
    }
    if extension.is_some_and(|e| EXTENSIONS.contains(&e.as_str())) {
        return Ok(true);
    }
    let mut start = Vec::new();
    let file = File::open(path)?;
    file.take(SIGNATURE_LENGTH).read_to_end(&mut start)?;
    Ok(Format::detect(&start).is_ok())
}
