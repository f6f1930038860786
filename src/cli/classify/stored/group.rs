//! The rows of one file.

use anyhow::ensure;

use super::StoredRow;

/// The rows of a photo that have been read.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Path of the photo, number of its faces and number of rows so far.
    open: Option<(String, usize, usize)>,
}

impl Group {
    /// Adds a row. Returns whether it completes its file.
    ///
    /// # Errors
    /// Returns an error if a face of the photo before the row is missing.
    pub(super) fn add(&mut self, row: &StoredRow) -> anyhow::Result<bool> {
        let (file, faces, seen) = self.open.take().unwrap_or_else(|| {
            let faces = row.faces.unwrap_or_default();
            (row.file.clone(), faces, 0)
        });
        let is_next = match row.face {
            None => seen == 0 && faces == 0,
            Some(face) => face == seen + 1 && row.faces == Some(faces),
        };
        ensure!(
            is_next && row.file == file,
            "the faces of `{file}` are incomplete in the middle of the file; delete the file"
        );
        let seen = seen + usize::from(row.face.is_some());
        let is_complete = seen == faces;
        if !is_complete {
            self.open = Some((file, faces, seen));
        }
        Ok(is_complete)
    }
}
