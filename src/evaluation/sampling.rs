//! Selects the images of an evaluation.

use std::sync::Arc;

use mien_faces::{
    dataset::{Dataset, Sample},
    grouping::Grouping,
};

use super::{
    jobs::Evaluations,
    spec::{EvaluationSpec, StartError},
};

impl Evaluations {
    /// Returns the number of images of an evaluation.
    ///
    /// # Errors
    /// Returns an error if the data set is unknown or the split is empty.
    pub fn images(&self, spec: &EvaluationSpec) -> Result<usize, StartError> {
        let (_, all) = self.split(spec)?;
        Ok(spec.limit.map_or(all, usize::from).min(all))
    }

    /// Returns the groupings of `groups.csv` for the images of an evaluation.
    ///
    /// # Errors
    /// Returns an error if the data set is unknown or the split is empty.
    pub fn groupings(&self, spec: &EvaluationSpec) -> Result<Vec<Grouping>, StartError> {
        let (dataset, samples, _) = self.samples(spec)?;
        Ok(dataset.groupings(samples.iter().map(|sample| sample.name.as_str())))
    }

    /// Returns the data set and the number of images of its split.
    fn split(&self, spec: &EvaluationSpec) -> Result<(&Arc<Dataset>, usize), StartError> {
        let datasets = &self.shared.datasets;
        let dataset = datasets.get(&spec.dataset).ok_or_else(|| {
            let known = datasets.names();
            StartError::UnknownDataset {
                name: spec.dataset.clone(),
                known,
            }
        })?;
        let all = dataset.samples(spec.split).len();
        if all == 0 {
            return Err(StartError::EmptySplit {
                dataset: spec.dataset.clone(),
                split: spec.split,
                directories: dataset.left_out().directories.clone(),
            });
        }
        Ok((dataset, all))
    }

    /// Returns the samples in class-mixed order, so that every prefix is a fair sample, and whether they are the whole
    /// split.
    pub(super) fn samples(
        &self,
        spec: &EvaluationSpec,
    ) -> Result<(Arc<Dataset>, Vec<Sample>, bool), StartError> {
        let (dataset, all) = self.split(spec)?;
        let limit = spec.limit.map_or(all, usize::from);
        Ok((
            Arc::clone(dataset),
            dataset.subset(spec.split, limit),
            limit >= all,
        ))
    }
}
