//! Loads a candidate and applies the acceptance criterion.

use std::sync::Arc;

use super::{
    criterion::Criterion,
    error::PromotionError,
    task::PromotionTask,
    verdict::{Measurement, Verdict},
};
use crate::{
    inference::engine::Execution,
    jobs::Job as _,
    models::{PersistPin, StagedCandidate, live::LiveModel},
    store::PromotionStatus,
};

/// A candidate with its verdict.
pub(super) struct Decision {
    pub(super) verdict: Verdict,
    pub(super) candidate: Arc<LiveModel>,
    /// The version that the candidate was compared with.
    pub(super) baseline: Option<Arc<LiveModel>>,
}

impl PromotionTask {
    /// Loads the candidate next to the serving version, evaluates it and applies the criterion.
    ///
    /// # Errors
    /// Returns an error if the candidate cannot be loaded or evaluated.
    pub(super) async fn decide(&self) -> Result<Decision, PromotionError> {
        let (name, version) = (self.job.model(), self.spec.version);
        let loaded = self
            .shared
            .registry
            .load_candidate(name, version, self.begin())
            .await;
        let StagedCandidate { serving, candidate } = loaded?;
        self.check_shadow(&serving, &candidate)?;
        self.job.state().update(|record| {
            record.status = PromotionStatus::Evaluating;
            record.sha256 = Some(candidate.sha256.clone());
            let Execution { engine, precision } = candidate.execution;
            record.engine = Some(engine.name().to_owned());
            record.precision = Some(precision.name().to_owned());
        });
        let (mut verdict, baseline) = self.apply_criterion(&candidate, serving).await?;
        verdict.shadow = self.shadow.as_ref().map(|shadow| shadow.evidence);
        Ok(Decision {
            verdict,
            candidate,
            baseline,
        })
    }

    /// Evaluates the candidate and applies the criterion. Also returns the version that the candidate was compared with.
    async fn apply_criterion(
        &self,
        candidate: &Arc<LiveModel>,
        serving: Arc<LiveModel>,
    ) -> Result<(Verdict, Option<Arc<LiveModel>>), PromotionError> {
        match self.spec.criterion {
            Criterion::MinAccuracy(accuracy) => {
                let measured = self.measure(candidate).await?;
                Ok((Verdict::min_accuracy(accuracy, &measured), None))
            }
            Criterion::MaxRegression {
                margin,
                group_margin,
                baseline,
            } => {
                let baseline = match baseline {
                    None => serving,
                    Some(other) => {
                        let (name, other) = (self.job.model(), other.to_string());
                        self.shared.registry.resolve(Some(name), Some(&other))?
                    }
                };
                let (measured, other) = self.measure_both(candidate, &baseline).await?;
                let verdict = Verdict::max_regression(margin, group_margin, &measured, &other)?;
                Ok((verdict, Some(baseline)))
            }
        }
    }

    /// Checks that the required shadow compared the files that are loaded.
    ///
    /// # Errors
    /// Returns an error if one of the versions was replaced after the shadow.
    fn check_shadow(
        &self,
        serving: &LiveModel,
        candidate: &LiveModel,
    ) -> Result<(), PromotionError> {
        let Some(shadow) = &self.shadow else {
            return Ok(());
        };
        for (files, loaded) in [(&shadow.serving, serving), (&shadow.candidate, candidate)] {
            if *files != loaded.files() {
                return Err(PromotionError::OtherFiles(loaded.version));
            }
        }
        Ok(())
    }

    /// Returns a callback that stores the status `loading` together with a pin to the serving version.
    fn begin(&self) -> PersistPin {
        let job = Arc::clone(&self.job);
        self.persist(move |serving| {
            job.state().update(|record| {
                record.status = PromotionStatus::Loading;
                record.previous = serving;
            });
            job.record()
        })
    }

    async fn measure(&self, candidate: &Arc<LiveModel>) -> Result<Measurement, PromotionError> {
        self.evaluate(candidate, |record, id| {
            record.candidate_evaluation_id = Some(id)
        })
        .await
    }

    /// Measures the candidate and the baseline on the same data. A stored evaluation of the baseline is reused.
    async fn measure_both(
        &self,
        candidate: &Arc<LiveModel>,
        baseline: &Arc<LiveModel>,
    ) -> Result<(Measurement, Measurement), PromotionError> {
        let images = self.job.record().total;
        // Read before the candidate is evaluated, because that may prune stored evaluations.
        let known = self.stored(baseline, images).await?;
        self.job.state().update(|record| {
            record.baseline_version = Some(baseline.version);
            record.total = if known.is_some() { images } else { images * 2 };
        });
        let measured = self.measure(candidate).await?;
        let known = known.filter(|known| known.dataset_sha256 == measured.dataset_sha256);
        let other = match known {
            Some(known) => {
                self.job
                    .state()
                    .update(|record| record.baseline_evaluation_id = Some(known.evaluation));
                known
            }
            None => {
                self.job.state().update(|record| record.total = images * 2);
                self.evaluate(baseline, |record, id| {
                    record.baseline_evaluation_id = Some(id)
                })
                .await?
            }
        };
        if measured.dataset_sha256.is_none() || other.dataset_sha256 != measured.dataset_sha256 {
            return Err(PromotionError::DataChanged);
        }
        Ok((measured, other))
    }
}
