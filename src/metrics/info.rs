//! The labels that identify the file and the engine of a loaded version.

/// The labels of a loaded version in `mien_model_info`.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the names are those of the labels")]
pub struct ModelInfo<'a> {
    pub model: &'a str,
    pub version: &'a str,
    pub architecture: &'a str,
    pub sha256: &'a str,
    pub engine: &'a str,
    pub precision: &'a str,
}

impl<'a> ModelInfo<'a> {
    /// Returns the values in the order of the registration.
    pub(super) fn labels(self) -> [&'a str; 6] {
        let Self {
            model,
            version,
            architecture,
            sha256,
            engine,
            precision,
        } = self;
        [model, version, architecture, sha256, engine, precision]
    }
}
