//! Loads a candidate and checks it against its rule.

use std::sync::Arc;

use super::{
    criterion::Criterion,
    runner::{PromotionTask, told},
    verdict::{Side, Verdict},
};
use crate::{
    models::{Beside, Commit, live::LiveModel},
    store::PromotionStatus,
};

/// A candidate that was judged.
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    pub(super) candidate: Arc<LiveModel>,
    /// The version that it was compared with.
    pub(super) baseline: Option<Arc<LiveModel>>,
}

impl PromotionTask {
    /// Loads the candidate beside what serves, and judges it.
    ///
    /// # Errors
    /// Why that cannot be done.
    pub(super) async fn judge(&self) -> Result<Judged, String> {
        let (name, version) = (self.job.model(), self.order.version);
        let loaded = self.shared.registry.load_beside(name, version, self.begin()).await;
        let Beside { serving, candidate } = loaded.map_err(told)?;
        self.job.update(|record| {
            record.status = PromotionStatus::Evaluating;
            record.sha256 = Some(candidate.sha256.clone());
        });
        match self.order.rule {
            Criterion::MinAccuracy(accuracy) => {
                let measured = self.measure(&candidate).await?;
                let verdict = Verdict::min_accuracy(accuracy, &measured);
                Ok(Judged { verdict, candidate, baseline: None })
            }
            Criterion::MaxRegression { margin, baseline } => {
                let baseline = match baseline {
                    None => serving,
                    Some(other) => {
                        let found =
                            self.shared.registry.resolve(Some(name), Some(&other.to_string()));
                        found.map_err(|error| error.to_string())?
                    }
                };
                let verdict = self.compare(margin, &candidate, &baseline).await?;
                Ok(Judged { verdict, candidate, baseline: Some(baseline) })
            }
        }
    }

    /// Notes that the candidate is being loaded and that its model is pinned to what serves.
    fn begin(&self) -> Commit {
        let job = Arc::clone(&self.job);
        self.commit(move |serving| {
            job.update(|record| {
                record.status = PromotionStatus::Loading;
                record.previous = serving.map(|version| version.to_string());
            });
            job.record()
        })
    }

    async fn measure(&self, candidate: &Arc<LiveModel>) -> Result<Side, String> {
        self.evaluate(candidate, |record, id| record.candidate_evaluation_id = Some(id)).await
    }

    async fn compare(
        &self,
        margin: f64,
        candidate: &Arc<LiveModel>,
        baseline: &Arc<LiveModel>,
    ) -> Result<Verdict, String> {
        let images = self.job.record().total;
        // Read before the candidate is evaluated: what is kept may be pruned by that.
        let known = self.kept(baseline, images).await?;
        self.job.update(|record| {
            record.baseline_version = Some(baseline.version.to_string());
            record.total = if known.is_some() { images } else { images * 2 };
        });
        let measured = self.measure(candidate).await?;
        let known = known.filter(|known| known.dataset_sha256 == measured.dataset_sha256);
        let other = match known {
            Some(known) => {
                self.job.update(|record| {
                    record.baseline_evaluation_id = Some(known.evaluation.clone())
                });
                known
            }
            None => {
                self.job.update(|record| record.total = images * 2);
                self.evaluate(baseline, |record, id| record.baseline_evaluation_id = Some(id))
                    .await?
            }
        };
        if measured.dataset_sha256.is_none() || other.dataset_sha256 != measured.dataset_sha256 {
            return Err("the data set changed between the two evaluations".to_owned());
        }
        Verdict::max_regression(margin, &measured, &other).map_err(|error| error.to_string())
    }
}
