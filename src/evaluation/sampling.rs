//! The images of an order.

use std::sync::Arc;

use mien_faces::dataset::{Dataset, Sample};

use super::{
    jobs::Evaluations,
    spec::{EvaluationSpec, StartError},
};

impl Evaluations {
    /// How many images an order is about.
    ///
    /// # Errors
    /// When there is no such data.
    pub fn images(&self, order: &EvaluationSpec) -> Result<usize, StartError> {
        let (_, all) = self.split(order)?;
        Ok(order.limit.map_or(all, usize::from).min(all))
    }

    /// The data set of an order, and how many images its split has.
    fn split(&self, order: &EvaluationSpec) -> Result<(&Arc<Dataset>, usize), StartError> {
        let datasets = &self.shared.datasets;
        let dataset = datasets.get(&order.dataset).ok_or_else(|| {
            let known = datasets.names();
            StartError::UnknownDataset { name: order.dataset.clone(), known }
        })?;
        let all = dataset.samples(order.split).len();
        if all == 0 {
            let (dataset, split) = (order.dataset.clone(), order.split);
            return Err(StartError::EmptySplit { dataset, split });
        }
        Ok((dataset, all))
    }

    /// The samples of an order in class-mixed order, so that every part of them is a fair sample; and whether they are
    /// the split as a whole.
    pub(super) fn samples(
        &self,
        order: &EvaluationSpec,
    ) -> Result<(Arc<Dataset>, Vec<Sample>, bool), StartError> {
        let (dataset, all) = self.split(order)?;
        let limit = order.limit.map_or(all, usize::from);
        Ok((Arc::clone(dataset), dataset.subset(order.split, limit), limit >= all))
    }
}
