//! A batcher that accepts images as soon as its first worker is ready.

use std::sync::{Arc, Mutex, mpsc};

use mien_faces::image::Face;

use super::*;
use crate::{
    inference::{Input, Labels, Prediction, Probabilities},
    metrics::Metrics,
};

/// Reports each call and waits until the test lets it pass.
struct Gated {
    arrived: mpsc::Sender<()>,
    pass: Arc<Mutex<mpsc::Receiver<()>>>,
}

impl Classifier for Gated {
    fn classify(
        &mut self,
        inputs: &[Input],
    ) -> Result<Vec<Result<Prediction, InferenceError>>, InferenceError> {
        self.arrived.send(()).unwrap();
        self.pass.lock().unwrap().recv().unwrap();
        let prediction = Prediction {
            probabilities: Probabilities::new(&[0.25, 0.75])?,
            outputs: Box::default(),
        };
        Ok(vec![Ok(prediction); inputs.len()])
    }
}

/// The first classifier is created at once. Each further one gets its result from the test.
fn factory(
    results: mpsc::Receiver<Result<(), InferenceError>>,
    arrived: mpsc::Sender<()>,
    pass: mpsc::Receiver<()>,
) -> Factory {
    let (results, pass) = (Mutex::new((true, results)), Arc::new(Mutex::new(pass)));
    Arc::new(move || {
        let mut results = results.lock().unwrap();
        if !std::mem::replace(&mut results.0, false) {
            results.1.recv().unwrap()?;
        }
        let (arrived, pass) = (arrived.clone(), Arc::clone(&pass));
        Ok(Box::new(Gated { arrived, pass }))
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn first_worker_serves_while_second_is_created() {
    let (result, results) = mpsc::channel();
    let (arrive, arrived) = mpsc::channel();
    let (pass, passes) = mpsc::channel();
    let options = BatchOptions {
        max_queue_size: 4,
        max_batch: 1,
        max_queue_delay: Duration::ZERO,
        instances: 2,
        intra_op_threads: 1,
    };
    let labels = Labels::new(vec!["a".to_owned(), "b".to_owned()]).unwrap();
    let batcher = Batcher::start_in_mode(
        "m",
        &factory(results, arrive, passes),
        options,
        CpuBudget::new(2),
        Metrics::new().model("m", "1", &labels),
        StartMode::FirstWorker,
    )
    .unwrap();
    let send = || {
        let batcher = batcher.clone();
        let faces = vec![Face::new(1, vec![0]).unwrap().into()];
        tokio::spawn(async move { batcher.infer(faces, RequestOptions::default()).await })
    };
    let first = send();
    arrived.recv().unwrap();
    pass.send(()).unwrap();
    assert_eq!(first.await.unwrap().unwrap().rows.len(), 1);

    // The second worker fails once and tries again. Then both workers run at the same time.
    result
        .send(Err(InferenceError::Run("no memory".to_owned())))
        .unwrap();
    result.send(Ok(())).unwrap();
    let both = [send(), send()];
    (0..2).for_each(|_| arrived.recv().unwrap());
    (0..2).for_each(|_| pass.send(()).unwrap());
    for request in both {
        assert_eq!(request.await.unwrap().unwrap().rows.len(), 1);
    }
}
