//! Background images: the size of their chunks, and waiting while the background queue is full.

use std::time::Instant;

use super::{BatchError, BatchOptions, BatchResponse, Batcher, Priority, RequestOptions};
use crate::inference::Model;

impl<M: Model + ?Sized + 'static> Batcher<M> {
    /// Processes images at background priority. While the background queue is full, the call waits, at most until the deadline.
    /// Dropping the future cancels the queued images.
    ///
    /// # Errors
    /// Returns the errors of [`Self::infer`] except [`BatchError::Overloaded`].
    pub async fn infer_in_background(
        &self,
        inputs: &[M::Input],
        deadline: Option<Instant>,
    ) -> Result<BatchResponse<M::Output>, BatchError> {
        if inputs.is_empty() {
            return Ok(BatchResponse::default());
        }
        let request = RequestOptions {
            deadline,
            priority: Priority::Background,
        };
        let begin = Instant::now();
        let result = loop {
            match self.run(inputs.to_vec(), request, Instant::now()).await {
                Err(BatchError::Overloaded { retry_after }) => {
                    let next = Instant::now() + retry_after;
                    let next = deadline.map_or(next, |deadline| next.min(deadline));
                    tokio::time::sleep_until(next.into()).await;
                }
                result => break result,
            }
        };
        self.record_request(&result, begin);
        result
    }

    /// Returns the number of images per chunk of one background job, and the number of chunks that may be queued or running
    /// at once. Together they use at most a quarter of the background queue (at least one image), so that several jobs
    /// fit.
    pub fn background_share(&self) -> (usize, usize) {
        chunk_limits(self.options())
    }
}

/// Returns the result of [`Batcher::background_share`] for these options.
fn chunk_limits(options: BatchOptions) -> (usize, usize) {
    let quota = (options.max_queue_size / 4).max(1);
    let chunk = options.max_batch.clamp(1, quota);
    let in_flight = options.instances.clamp(1, quota / chunk);
    (chunk, in_flight)
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Mutex, mpsc},
        time::Duration,
    };

    use futures_util::FutureExt;
    use mien_faces::image::Face;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        batching::CpuBudget,
        inference::{Classifier, InferenceError, Input, Labels, Prediction, Probabilities},
        metrics::Metrics,
    };

    /// Runs one batch per token.
    struct Gated(mpsc::Receiver<()>);

    impl Classifier for Gated {
        fn classify(
            &mut self,
            inputs: &[Input],
        ) -> Result<Vec<Result<Prediction, InferenceError>>, InferenceError> {
            self.0
                .recv()
                .map_err(|error| InferenceError::Run(error.to_string()))?;
            let probabilities = Probabilities::new(&[0.25, 0.75])?;
            Ok(vec![
                Ok(Prediction {
                    probabilities,
                    outputs: Box::default()
                });
                inputs.len()
            ])
        }
    }

    /// Starts a batcher with two places in each queue; each token lets its worker run one batch.
    fn gated(metrics: &Metrics) -> (Batcher, mpsc::Sender<()>) {
        let (tokens, gate) = mpsc::channel();
        let gate = Mutex::new(Some(Gated(gate)));
        let factory = move || -> Result<Box<dyn Classifier>, InferenceError> {
            Ok(Box::new(gate.lock().unwrap().take().unwrap()))
        };
        let labels = Labels::new(vec!["a".to_owned(), "b".to_owned()]).unwrap();
        let (max_queue_size, max_batch, instances, max_queue_delay) = (2, 2, 1, Duration::ZERO);
        let options = BatchOptions {
            max_queue_size,
            max_batch,
            max_queue_delay,
            instances,
            intra_op_threads: 1,
        };
        let series = metrics.model("gated", "1", &labels);
        let batcher = Batcher::start(
            "gated",
            &(Arc::new(factory) as _),
            options,
            CpuBudget::new(1),
            series,
        );
        (batcher.unwrap(), tokens)
    }

    async fn wait_for_metric(metrics: &Metrics, line: &str) {
        while !metrics.render().unwrap().contains(line) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn faces(count: usize) -> Vec<Input> {
        vec![Face::new(1, vec![0]).unwrap().into(); count]
    }

    #[tokio::test]
    async fn background_waits_while_queue_is_full() {
        let metrics = Metrics::new();
        let (batcher, tokens) = gated(&metrics);
        // One image is running and two are queued, so the background queue is full.
        let traffic = |images: usize| {
            let batcher = batcher.clone();
            let call = RequestOptions {
                deadline: None,
                priority: Priority::Background,
            };
            tokio::spawn(async move { batcher.infer(faces(images), call).await })
        };
        let first = traffic(1);
        wait_for_metric(&metrics, "mien_queue_wait_seconds_count{model=\"gated\",priority=\"background\",version=\"1\"} 1").await;
        let second = traffic(2);
        wait_for_metric(
            &metrics,
            "mien_queue_images{model=\"gated\",priority=\"background\"} 2",
        )
        .await;
        let one = faces(1);
        let mut job = Box::pin(batcher.infer_in_background(&one, None));
        assert!(job.as_mut().now_or_never().is_none());
        // The wait ends at the deadline although the queue stays full.
        let soon = Some(Instant::now() + Duration::from_millis(20));
        let late = batcher.infer_in_background(&one, soon).await;
        assert_eq!(late.unwrap_err(), BatchError::DeadlineExceeded);
        wait_for_metric(
            &metrics,
            "mien_queue_images{model=\"gated\",priority=\"background\"} 2",
        )
        .await;
        (0..3).for_each(|_| tokens.send(()).unwrap());
        assert_eq!(job.await.unwrap().rows.len(), 1);
        let others = [
            first.await.unwrap().unwrap(),
            second.await.unwrap().unwrap(),
        ];
        assert_eq!(others.map(|response| response.rows.len()), [1, 2]);
    }

    proptest! {
        #[test]
        fn background_share_uses_at_most_a_quarter(
            max_queue_size in 0_usize..5000,
            max_batch in 0_usize..300,
            instances in 0_usize..20,
        ) {
            let options = BatchOptions { max_queue_size, max_batch, instances, max_queue_delay: Duration::ZERO, intra_op_threads: 1 };
            let (chunk, in_flight) = chunk_limits(options);
            prop_assert!(chunk >= 1 && in_flight >= 1);
            prop_assert!(chunk * in_flight <= (max_queue_size / 4).max(1));
            prop_assert!(chunk <= max_batch.max(1) && in_flight <= instances.max(1));
        }
    }
}
