//! Inference.

use std::time::Instant;

use bytes::Bytes;
use tokio::time::timeout_at;

use super::Service;
use crate::{
    auth::Client,
    batching::{BatchError, BatchResponse, Priority, RequestOptions},
    drift::FaceFeatures,
    inference::Input,
    metrics::Outcome,
    models::{mirror::ImageSource, registry::LiveModel},
    oip::{
        Error, InferRequest, InferResponse, InputTensor, Kind,
        input::{self, Images},
        output,
        request::MAX_ID,
    },
    traces,
};

impl Service {
    /// Returns the tensor of a raw body.
    pub fn raw_input(&self, model: &LiveModel, body: Bytes) -> InputTensor {
        input::raw(&model.signature, body)
    }

    /// Runs inference for a request of a client.
    ///
    /// # Errors
    /// Returns an error of any [`Kind`].
    pub async fn infer(
        &self,
        model: &LiveModel,
        request: InferRequest,
        client: &Client,
        deadline: Instant,
    ) -> Result<InferResponse, Error> {
        let start = Instant::now();
        check_id(&request.id)?;
        let columns = output::select(&request.outputs, &model.signature)?;
        let max_images = self.limits.max_images.get();
        let images = input::images(request.inputs, &model.signature, max_images)?;
        let deadline = request
            .timeout
            .map_or(deadline, |time| deadline.min(start + time));
        let priority = if request.priority > 1 {
            Priority::Background
        } else {
            Priority::Live
        };
        if priority == Priority::Live {
            model.batcher.ensure_capacity(images.len())?;
        }
        let _admission = client.admit(images.len())?;
        let (inputs, sizes) = self.faces(model, images, priority, deadline).await?;
        let features = inputs.iter().zip(sizes);
        let features = features.map(|(input, size)| FaceFeatures::of_input(input, size));
        let features = model.measure(features);
        let preprocess = start.elapsed();
        let call = RequestOptions {
            deadline: Some(deadline),
            priority,
        };
        let response = classify(model, inputs, call).await?;
        let _step = traces::step("postprocess");
        model.record_predictions(features.as_deref(), &response.rows);
        let finish = Instant::now();
        let outputs = output::tensors(columns, &response, &model.manifest.labels);
        model
            .metrics
            .statistics()
            .record_conversion(preprocess, finish.elapsed());
        Ok(InferResponse {
            id: request.id,
            model: model.name.clone(),
            version: model.version,
            outputs,
            preprocess,
            queue: response.queue,
            inference: response.inference,
        })
    }

    /// Decodes image files. One invalid image fails the request. Also returns the size of each file in pixels; the size of a tensor before
    /// the client resized the image is not known.
    async fn faces(
        &self,
        model: &LiveModel,
        images: Images,
        priority: Priority,
        deadline: Instant,
    ) -> Result<(Vec<Input>, Vec<Option<f32>>), Error> {
        let encoded = match images {
            Images::Ready(inputs) => {
                let sizes = vec![None; inputs.len()];
                return Ok((inputs, sizes));
            }
            Images::Encoded(encoded) => encoded,
        };
        let count = encoded.len();
        let _step = traces::step("decode");
        let decoding = self.decoder.decode(encoded, model.signature.side);
        let Ok(decoded) = timeout_at(deadline.into(), decoding).await else {
            model
                .metrics
                .count_images(priority, Outcome::Expired, count);
            let message = "the deadline passed before the images were decoded";
            return Err(Error::new(Kind::DeadlineExceeded, message));
        };
        let faces = decoded?.into_iter().enumerate().map(|(index, face)| {
            let face = face.map(|decoded| (Input::Face(decoded.face), Some(decoded.size)));
            face.map_err(|error| {
                let message = format!("image {index}: {error}");
                Error::new(Error::from(error).kind(), message)
            })
        });
        faces.collect::<Result<_, _>>().inspect_err(|_| {
            model
                .metrics
                .count_images(priority, Outcome::Invalid, count);
        })
    }
}

/// Classifies images.
async fn classify(
    model: &LiveModel,
    inputs: Vec<Input>,
    options: RequestOptions,
) -> Result<BatchResponse, Error> {
    let raw = inputs.iter().any(|input| matches!(input, Input::Tensor(_)));
    match model.infer(inputs, options, ImageSource::Images).await {
        // Finite inputs can still overflow inside the network.
        Err(BatchError::InvalidOutput(_)) if raw => Err(Error::invalid(
            "the model's output contains NaN or infinity for these values",
        )),
        result => Ok(result?),
    }
}

/// Rejects an identifier that is too long to be repeated in a response.
fn check_id(id: &str) -> Result<(), Error> {
    if id.len() <= MAX_ID {
        return Ok(());
    }
    let length = id.len();
    let message = format!("the request `id` has {length} bytes; the maximum is {MAX_ID}");
    Err(Error::invalid(message))
}
