//! Classifies the occluded faces with the model's batcher at background priority.

use std::time::Instant;

use futures_util::{StreamExt, TryStreamExt, stream};
use mien_faces::image::Face;

use super::{Occlusion, SaliencyMap};
use crate::{
    batching::{BatchError, Batcher},
    inference::{Input, Probabilities},
};

/// An explanation of a label.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The explained label as an index of the model's labels.
    pub class: usize,
    /// Probability of the label for the original face, 0 to 1.
    pub probability: f32,
    /// Weight of each pixel.
    pub map: SaliencyMap,
    /// The occlusions that were classified.
    pub occlusion: Occlusion,
}

/// Explains a label of a face, by default the most probable one. This classifies at most 122 images at background priority
/// until the deadline. Dropping the future cancels the queued images.
///
/// # Errors
/// Returns an error if the deadline passes, or if the model fails or is unloaded.
///
/// # Panics
/// Panics if the model does not have the class.
pub async fn explain(
    batcher: &Batcher,
    face: Face,
    class: Option<usize>,
    deadline: Instant,
) -> Result<Explanation, BatchError> {
    let occlusion = Occlusion::new(face);
    let mut predictions = predict(batcher, &occlusion, deadline).await?.into_iter();
    let whole = predictions
        .next()
        .expect("the batcher returns one result per image, the original face first");
    let class = class.unwrap_or_else(|| whole.top().0);
    let probability = whole.as_slice()[class];
    let occluded: Vec<f32> = predictions.map(|row| row.as_slice()[class]).collect();
    let map = occlusion.map(probability, &occluded);
    Ok(Explanation {
        class,
        probability,
        map,
        occlusion,
    })
}

/// Classifies the original face and each occluded one. The occluded faces are created chunk by chunk.
async fn predict(
    batcher: &Batcher,
    occlusion: &Occlusion,
    deadline: Instant,
) -> Result<Vec<Probabilities>, BatchError> {
    let (chunk, in_flight) = batcher.background_share();
    let images = 1 + occlusion.positions();
    let image = |index: usize| match index.checked_sub(1) {
        None => occlusion.face().clone(),
        Some(position) => occlusion.occluded(position),
    };
    let chunks = stream::iter((0..images).step_by(chunk)).map(|start| async move {
        let inputs: Vec<Input> = (start..images.min(start + chunk))
            .map(|index| image(index).into())
            .collect();
        batcher.infer_in_background(&inputs, Some(deadline)).await
    });
    let responses: Vec<_> = chunks.buffered(in_flight).try_collect().await?;
    let rows = responses.into_iter().flat_map(|response| response.rows);
    Ok(rows.map(|row| row.probabilities).collect())
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{
        batching::{BatchOptions, CpuBudget, Factory},
        inference::{Classifier, InferenceError, Labels, Prediction},
        metrics::Metrics,
    };

    /// Returns a probability of `bright` that grows with the brightness of a square, and a small constant probability of
    /// `other`. The rest is the probability of `dark`.
    struct Region {
        side: usize,
        square: [usize; 2],
    }

    impl Classifier for Region {
        fn classify(
            &mut self,
            inputs: &[Input],
        ) -> Result<Vec<Result<Prediction, InferenceError>>, InferenceError> {
            let predict = |input: &Input| {
                let Input::Face(face) = input else {
                    panic!("only faces are sent")
                };
                let square = self.square[0]..self.square[1];
                let (mut sum, mut count) = (0.0, 0.0);
                for (index, &pixel) in face.pixels().iter().enumerate() {
                    let position = [index / self.side, index % self.side];
                    if position.iter().all(|at| square.contains(at)) {
                        sum += f32::from(pixel) / 255.0;
                        count += 1.0;
                    }
                }
                let bright = 0.8 * sum / count;
                let probabilities = Probabilities::new(&[0.8 - bright, bright, 0.2])?;
                Ok(Prediction {
                    probabilities,
                    outputs: Box::default(),
                })
            };
            Ok(inputs.iter().map(predict).collect())
        }
    }

    /// Returns a model whose output depends on a square on the diagonal, and a face that is white there and black elsewhere.
    fn looking_at(side: usize, square: [usize; 2]) -> (Batcher, Face) {
        let factory: Factory = Arc::new(move || Ok(Box::new(Region { side, square })));
        let options = BatchOptions {
            max_queue_size: 64,
            max_batch: 8,
            max_queue_delay: Duration::ZERO,
            instances: 2,
            intra_op_threads: 1,
        };
        let labels = ["dark", "bright", "other"].map(str::to_owned).to_vec();
        let series = Metrics::new().model("m", "1", &Labels::new(labels).unwrap());
        let batcher = Batcher::start("m", &factory, options, CpuBudget::new(2), series).unwrap();
        let white = |index: &usize| {
            [index / side, index % side]
                .iter()
                .all(|at| (square[0]..square[1]).contains(at))
        };
        let pixel = |index| if white(&index) { 255 } else { 0 };
        (
            batcher,
            Face::new(side, (0..side * side).map(pixel).collect()).unwrap(),
        )
    }

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[tokio::test]
    async fn largest_weight_is_at_decisive_pixels_for_any_size() {
        for (side, square) in [(48, [28, 36]), (32, [4, 9]), (100, [70, 86]), (3, [1, 2])] {
            let (batcher, face) = looking_at(side, square);
            let explanation = explain(&batcher, face, None, later()).await.unwrap();
            assert_eq!((explanation.class, explanation.probability), (1, 0.8));
            let map = &explanation.map;
            let peak =
                (0..side * side).max_by(|&a, &b| map.weights()[a].total_cmp(&map.weights()[b]));
            let [row, column] = [peak.unwrap() / side, peak.unwrap() % side];
            for at in [row, column] {
                assert!(
                    (square[0]..square[1]).contains(&at),
                    "{side}: {row} {column}"
                );
            }
            assert!(map.max_abs() > 0.3, "{side}: {}", map.max_abs());
            // Far from the square the weight is 0.
            let far = if square[0] > side / 2 { 0 } else { side - 1 };
            assert_eq!(map.at(far, far), 0.0, "{side}");
        }
    }

    #[tokio::test]
    async fn contradicting_pixels_have_negative_weights() {
        let (batcher, face) = looking_at(48, [28, 36]);
        let against = explain(&batcher, face.clone(), Some(0), later())
            .await
            .unwrap();
        assert_eq!((against.class, against.probability), (0, 0.0));
        let lowest = against.map.weights().iter().copied().fold(0.0, f32::min);
        assert!(lowest < -0.6, "{lowest}");
        assert!((against.map.at(31, 31) - lowest).abs() < 1e-6);
        let other = explain(&batcher, face, Some(2), later()).await.unwrap();
        assert!(other.map.weights().iter().all(|weight| *weight == 0.0));
    }

    #[tokio::test]
    async fn expired_deadline_ends_explanation() {
        let (batcher, face) = looking_at(48, [28, 36]);
        let error = explain(&batcher, face, None, Instant::now())
            .await
            .unwrap_err();
        assert_eq!(error, BatchError::DeadlineExceeded);
    }
}
