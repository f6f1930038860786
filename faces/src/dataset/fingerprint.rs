//! A hash that shows whether two runs saw the same data.

use std::fs;

use sha2::{Digest, Sha256};

use super::{Dataset, DatasetError, Sample, Source, Split};

impl Dataset {
    /// Returns the SHA-256 of a split as 64 hex digits. It covers the name within the data set, the label and the bytes of each
    /// sample: those of its file, or of the pixels in its CSV line. It does not cover the location of the data set. Reads every
    /// file once.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read or a CSV line is malformed.
    pub fn fingerprint(&self, split: Split) -> Result<String, DatasetError> {
        let mut hash = Sha256::new();
        for sample in self.samples(split) {
            let bytes = sample.bytes()?;
            // The lengths make the stream unambiguous.
            for part in [
                sample.name.as_bytes(),
                sample.expression.label().as_bytes(),
                &bytes,
            ] {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part);
            }
        }
        Ok(hex::encode(hash.finalize()))
    }
}

impl Sample {
    fn bytes(&self) -> Result<Vec<u8>, DatasetError> {
        match &self.source {
            Source::File(path) => fs::read(path).map_err(DatasetError::read_error(path)),
            Source::Row(row) => Ok(row.read()?.pixels().to_vec()),
        }
    }
}
