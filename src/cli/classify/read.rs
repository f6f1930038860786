//! Reads image files.

use std::{fs::File, io::Read, path::Path};

use bytes::Bytes;

use super::inputs::Entry;

/// Maximum size of a file in bytes. Larger files are not images that the decoder accepts, such as devices without an end.
const MAX_BYTES: u64 = 256 << 20;

/// Returns the image of an entry. The error is for its row.
pub(super) fn read(entry: &Entry) -> Result<Bytes, String> {
    match (&entry.error, &entry.frame) {
        (Some(error), _) => Err(error.clone()),
        (None, Some(frame)) => Ok(frame.image.clone()),
        (None, None) => read_file(&entry.path).map(Bytes::from),
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let read = || {
        let mut bytes = Vec::new();
        let file = File::open(path)?;
        let length = file.metadata()?.len().min(MAX_BYTES);
        bytes.reserve_exact(usize::try_from(length).unwrap_or_default() + 1);
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error: std::io::Error| error.to_string())?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("the file has more than {} MiB", MAX_BYTES >> 20));
    }
    Ok(bytes)
}
