//! The orientation of an image, from the places that Pillow reads: EXIF, and XMP if EXIF does not have it.

use std::io::Read;

use flate2::read::ZlibDecoder;
use image::metadata::Orientation;

/// Maximum size of metadata in bytes. JPEG segments, the usual place, have at most 64 KiB.
const MAX_SIZE: usize = 1 << 20;

/// Metadata of a file.
#[derive(Debug, Default)]
pub(super) struct Metadata {
    /// A TIFF structure.
    exif: Vec<u8>,
    xmp: Vec<u8>,
}

impl Metadata {
    /// Replaces the EXIF data.
    pub(super) fn set_exif(&mut self, exif: &[u8]) {
        self.exif.clear();
        self.append_exif(exif);
    }

    fn append_exif(&mut self, exif: &[u8]) {
        let free = MAX_SIZE - self.exif.len();
        self.exif.extend_from_slice(&exif[..exif.len().min(free)]);
    }

    /// Replaces the XMP document.
    pub(super) fn set_xmp(&mut self, xmp: &[u8]) {
        self.xmp = xmp[..xmp.len().min(MAX_SIZE)].to_vec();
    }

    /// Reads an APP1 segment of a JPEG. EXIF data of several segments form one structure.
    pub(super) fn read_jpeg(&mut self, payload: &[u8]) {
        if let Some(exif) = payload.strip_prefix(b"Exif\0\0") {
            self.append_exif(exif);
        } else if let Some(xmp) = payload.strip_prefix(b"http://ns.adobe.com/xap/1.0/\0") {
            self.set_xmp(xmp);
        }
    }

    /// Returns the transformation that makes the image upright.
    pub(super) fn orientation(&self) -> Orientation {
        let mut exif = self.exif.as_slice();
        while let Some(rest) = exif.strip_prefix(b"Exif\0\0") {
            exif = rest;
        }
        Orientation::from_exif_chunk(exif)
            .or_else(|| xmp_orientation(&self.xmp))
            .unwrap_or(Orientation::NoTransforms)
    }
}

/// Returns the value of `tiff:Orientation` as an attribute or an element.
fn xmp_orientation(xmp: &[u8]) -> Option<Orientation> {
    const NAME: &[u8] = b"tiff:Orientation";
    xmp.windows(NAME.len() + 3).find_map(|window| {
        let value = match window.strip_prefix(NAME)? {
            [b'=', b'"', digit] | [b'>', digit, _] => *digit,
            _ => return None,
        };
        value
            .is_ascii_digit()
            .then(|| Orientation::from_exif(value - b'0'))?
    })
}

/// Decompresses metadata. Returns `None` if they are invalid or too long.
pub(super) fn inflate(compressed: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_SIZE).expect("the limit fits 64 bits");
    let mut reader = ZlibDecoder::new(compressed).take(limit + 1);
    reader.read_to_end(&mut bytes).ok()?;
    (bytes.len() <= MAX_SIZE).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use image::metadata::Orientation;

    use super::xmp_orientation;

    #[test]
    fn xmp_orientation_is_attribute_or_element() {
        for (xmp, orientation) in [
            (
                &br#"<a tiff:Orientation="6"/>"#[..],
                Some(Orientation::Rotate90),
            ),
            (
                b"<tiff:Orientation>3</tiff:Orientation>",
                Some(Orientation::Rotate180),
            ),
            (b"<tiff:Orientation>9</tiff:Orientation>", None),
            (b"tiff:Orientation", None),
        ] {
            assert_eq!(xmp_orientation(xmp), orientation);
        }
    }
}
