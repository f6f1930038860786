//! Lines of text for readers.

use std::io::{self, Write};

use super::Schema;
use crate::cli::classify::result::FileResult;

/// Writes one line per file or face: label, confidence, file and the box of a face. Lines of unreadable files are written to
/// `errors`.
pub(super) fn write(
    out: &mut impl Write,
    errors: &mut impl Write,
    schema: &Schema,
    results: &[FileResult],
) -> io::Result<()> {
    for row in results.iter().flat_map(FileResult::rows) {
        let place = match row.frame {
            Some(frame) => format!("{} at {:.2} s", row.file, frame.seconds()),
            None => row.file.to_owned(),
        };
        if let Some(error) = row.error {
            writeln!(errors, "{place}: {error}")?;
            continue;
        }
        let Some(probabilities) = row.probabilities else {
            writeln!(out, "{:10}{:8}  {place}", "no face", "")?;
            continue;
        };
        let (class, confidence) = probabilities.top();
        let label = schema.labels.get(class).map_or("", String::as_str);
        write!(out, "{label:10}{:6.2} %  {place}", 100.0 * confidence)?;
        if let Some(track) = row.track {
            write!(out, "  track {}", track.id)?;
        }
        if let Some((face_box, _)) = row.location {
            let [x, y, width, height] = [face_box.x, face_box.y, face_box.width, face_box.height]
                // The sum turns -0 into 0.
                .map(|value| value.round() + 0.0);
            write!(out, "  {width}x{height} at {x},{y}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}
