//! A hash that tells whether two runs saw the same data.

use std::fs;

use sha2::{Digest, Sha256};

use super::{Dataset, DatasetError, Sample, Source, Split};

impl Dataset {
    /// The SHA-256 of a split as 64 hex digits: over each sample's name within the data set, its label and its bytes
    /// (of the file, or the pixels of the CSV line). It does not depend on where the data set lies.
    /// Reads every file once.
    ///
    /// # Errors
    /// A file that cannot be read, or a malformed CSV line.
    pub fn fingerprint(&self, split: Split) -> Result<String, DatasetError> {
        let mut hash = Sha256::new();
        for sample in self.samples(split) {
            let bytes = sample.bytes()?;
            // Lengths first, so that no two lists of samples give the same stream.
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
            Source::File(path) => fs::read(path).map_err(DatasetError::reading(path)),
            Source::Row(row) => Ok(row.read()?.pixels().to_vec()),
        }
    }
}
