//! The result of a preparation.

use std::{fmt, path::Path};

/// The result of one photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PhotoOutcome {
    /// The photo has one face, which was cropped.
    OneFace,
    /// The photo has this many faces, of which the largest was cropped.
    LargestOf(usize),
    /// The photo has this many faces and was left out.
    Skipped(usize),
    /// The photo has no face.
    NoFace,
    /// The photo cannot be read, for this reason.
    Unreadable(String),
}

impl PhotoOutcome {
    fn name(&self) -> &'static str {
        match self {
            Self::OneFace => "one face",
            Self::LargestOf(_) => "largest of several faces",
            Self::Skipped(_) => "left out, several faces",
            Self::NoFace => "no face",
            Self::Unreadable(_) => "unreadable",
        }
    }

    fn faces(&self) -> Option<usize> {
        match self {
            Self::OneFace => Some(1),
            Self::LargestOf(count) | Self::Skipped(count) => Some(*count),
            Self::NoFace => Some(0),
            Self::Unreadable(_) => None,
        }
    }

    fn reason(&self) -> &str {
        match self {
            Self::Unreadable(reason) => reason,
            Self::OneFace | Self::LargestOf(_) | Self::Skipped(_) | Self::NoFace => "",
        }
    }
}

/// The results of all photos, in the order of the listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    photos: Vec<(String, PhotoOutcome)>,
}

impl Summary {
    pub(super) fn new(photos: Vec<(String, PhotoOutcome)>) -> Self {
        Self { photos }
    }

    /// Returns the number of faces that were written.
    pub fn written(&self) -> usize {
        self.count(|outcome| matches!(outcome, PhotoOutcome::OneFace | PhotoOutcome::LargestOf(_)))
    }

    /// Returns whether a photo could not be read.
    pub fn has_unreadable(&self) -> bool {
        self.count(|outcome| matches!(outcome, PhotoOutcome::Unreadable(_))) > 0
    }

    fn count(&self, is_counted: impl Fn(&PhotoOutcome) -> bool) -> usize {
        let outcomes = self.photos.iter().map(|(_, outcome)| outcome);
        outcomes.filter(|outcome| is_counted(outcome)).count()
    }

    /// Writes one row per photo: name, result, number of faces, reason.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub fn write_csv(&self, path: &Path) -> csv::Result<()> {
        let mut writer = csv::Writer::from_path(path)?;
        writer.write_record(["photo", "result", "faces", "reason"])?;
        for (name, outcome) in &self.photos {
            let faces = outcome.faces().map(|count| count.to_string());
            writer.write_record([
                name,
                outcome.name(),
                faces.as_deref().unwrap_or_default(),
                outcome.reason(),
            ])?;
        }
        writer.flush()?;
        Ok(())
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} photos, {} faces written",
            self.photos.len(),
            self.written()
        )?;
        let mut names: Vec<&str> = Vec::new();
        for (_, outcome) in &self.photos {
            if !names.contains(&outcome.name()) {
                names.push(outcome.name());
            }
        }
        for name in names {
            let count = self.count(|outcome| outcome.name() == name);
            writeln!(f, "{count:>8}  {name}")?;
        }
        Ok(())
    }
}
