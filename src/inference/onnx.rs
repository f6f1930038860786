//! A classifier that runs an ONNX file with ONNX Runtime. Only this module and [`runtime`](super::runtime) use `ort`.

mod buffer;
mod fp16_input;
mod message;
mod session;
#[cfg(test)]
mod tests;
mod yunet;

use std::borrow::Cow;

use half::{f16, slice::HalfFloatSliceExt};
use mien_faces::image::Face;
use ort::session::SessionOutputs;

use self::buffer::Buffer;
pub use self::{
    session::{ModelMetadata, Session},
    yunet::{Photo, YuNet},
};
use super::{
    Classifier, InferenceError, Input, Prediction, Probabilities, probabilities,
    runtime::CallKind,
    signature::{Output, OutputKind, Signature},
};

/// A session with its input buffer.
pub struct OnnxClassifier {
    session: Session,
    signature: Signature,
    kind: OutputKind,
    /// Number of classes.
    labels: usize,
    /// Maximum number of images per inference call; the size of the buffer.
    max_batch: usize,
    buffer: Buffer,
}

impl OnnxClassifier {
    /// Wraps an open session and warms it up with an inference call of `images` images. An output of the wrong shape is found
    /// here instead of in a request.
    ///
    /// # Errors
    /// Returns an error if the inference call fails or its output is not one distribution over `labels` labels per image.
    pub fn new(
        session: Session,
        signature: Signature,
        labels: usize,
        max_batch: usize,
        images: usize,
    ) -> Result<Self, InferenceError> {
        let mut classifier = Self::without_warm_up(session, signature, labels, max_batch);
        let images = images.min(classifier.max_batch);
        classifier.timed(CallKind::Trial, |this| this.warm_up(images))?;
        Ok(classifier)
    }

    /// Wraps an open session of a model that another classifier has warmed up.
    pub fn without_warm_up(
        session: Session,
        signature: Signature,
        labels: usize,
        max_batch: usize,
    ) -> Self {
        let max_batch = signature.fixed_batch.unwrap_or(max_batch).max(1);
        let elements = max_batch * signature.side * signature.side;
        let buffer = Buffer::new(&signature, session.fp16_input, elements);
        let kind = signature.kind.unwrap_or(OutputKind::Logits);
        Self {
            session,
            signature,
            kind,
            labels,
            max_batch,
            buffer,
        }
    }

    /// Returns the session.
    pub fn into_session(self) -> Session {
        self.session
    }

    /// Returns the declared or detected content of the output.
    pub fn kind(&self) -> OutputKind {
        self.kind
    }

    /// Runs `work` within the time limit of a call of this kind.
    fn timed<T>(
        &mut self,
        kind: CallKind,
        work: impl FnOnce(&mut Self) -> Result<T, InferenceError>,
    ) -> Result<T, InferenceError> {
        self.session.timer.start(kind);
        let result = work(self);
        self.session.timer.end(kind, result)
    }

    /// Runs uniform and striped faces. If the kind of the output is not declared, it is detected: probabilities if each row
    /// is a distribution, otherwise logits.
    fn warm_up(&mut self, images: usize) -> Result<(), InferenceError> {
        let faces: Vec<Input> = (0..images)
            .map(|index| test_face(self.signature.side, index))
            .collect();
        let rows = self.run(&faces)?;
        let mut predictions = rows.iter().map(|row| self.prediction_of(row));
        if self.signature.kind.is_none() && predictions.all(probabilities::is_distribution) {
            self.kind = OutputKind::Probabilities;
        }
        rows.iter()
            .try_for_each(|row| self.kind.read(self.prediction_of(row)).map(drop))
    }

    /// Returns the values of the prediction among those of all outputs.
    fn prediction_of<'a>(&self, row: &'a [f32]) -> &'a [f32] {
        let start = self.signature.outputs[..self.signature.prediction]
            .iter()
            .map(|output| output.columns)
            .sum();
        &row[start..start + self.labels]
    }

    /// Runs the inputs in batches of at most `max_batch`.
    fn classify_all(
        &mut self,
        inputs: &[Input],
    ) -> Result<Vec<Result<Prediction, InferenceError>>, InferenceError> {
        let mut predictions = Vec::with_capacity(inputs.len());
        for inputs in inputs.chunks(self.max_batch) {
            for outputs in self.run(inputs)? {
                let probabilities = self.kind.read(self.prediction_of(&outputs));
                predictions.push(probabilities.map(|probabilities| Prediction {
                    probabilities,
                    outputs,
                }));
            }
        }
        Ok(predictions)
    }

    /// Runs up to `max_batch` inputs. Returns one row per input with the values of all outputs.
    fn run(&mut self, inputs: &[Input]) -> Result<Vec<Box<[f32]>>, InferenceError> {
        let area = self.signature.side * self.signature.side;
        for (index, input) in inputs.iter().enumerate() {
            self.buffer.write(index, area, input)?;
        }
        let batch = self.signature.fixed_batch.unwrap_or(inputs.len());
        let mut shape = self.signature.shape.clone();
        shape[0] = batch;
        let Session {
            inner: session,
            fp16_input,
            timer,
        } = &mut self.session;
        let name = if *fp16_input {
            fp16_input::INPUT
        } else {
            self.signature.input.as_str()
        };
        let input = self.buffer.tensor(shape, batch * area).map_err(failed)?;
        let outputs = session
            .run_with_options(ort::inputs![name => input], timer.options())
            .map_err(failed)?;
        read_rows(&outputs, &self.signature, batch, inputs.len())
    }
}

/// Returns the first `rows` of the `batch` rows of all outputs.
fn read_rows(
    outputs: &SessionOutputs<'_>,
    signature: &Signature,
    batch: usize,
    rows: usize,
) -> Result<Vec<Box<[f32]>>, InferenceError> {
    let values = signature.output_values();
    let mut rows: Vec<Vec<f32>> = (0..rows).map(|_| Vec::with_capacity(values)).collect();
    for Output {
        name,
        columns,
        is_fp16,
    } in &signature.outputs
    {
        let output = outputs.get(name);
        let output = output
            .ok_or_else(|| InferenceError::Output(format!("the output `{name}` is missing")))?;
        let (shape, values) = if *is_fp16 {
            let (shape, halves) = output.try_extract_tensor::<f16>().map_err(failed)?;
            (shape, Cow::Owned(halves.to_f32_vec()))
        } else {
            let (shape, floats) = output.try_extract_tensor::<f32>().map_err(failed)?;
            (shape, Cow::Borrowed(floats))
        };
        let fits = shape.last().copied() == i64::try_from(*columns).ok();
        if values.len() != batch * columns || !fits {
            let reason =
                format!("`{name}` has the shape {shape:?} instead of [{batch}, {columns}]");
            return Err(InferenceError::Output(reason));
        }
        for (row, values) in rows.iter_mut().zip(values.chunks_exact(*columns)) {
            row.extend_from_slice(values);
        }
    }
    Ok(rows.into_iter().map(Vec::into_boxed_slice).collect())
}

/// Returns a uniform face for index 0 and a striped face for other indices.
fn test_face(side: usize, index: usize) -> Input {
    let striped = |pixel: usize| {
        if (pixel / 5 + index).is_multiple_of(2) {
            0
        } else {
            255
        }
    };
    let pixels = if index == 0 {
        vec![128; side * side]
    } else {
        (0..side * side).map(striped).collect()
    };
    Input::Face(Face::new(side, pixels).expect("the pixels form a square"))
}

impl Classifier for OnnxClassifier {
    fn classify(
        &mut self,
        inputs: &[Input],
    ) -> Result<Vec<Result<Prediction, InferenceError>>, InferenceError> {
        self.timed(CallKind::Batch, |this| this.classify_all(inputs))
    }
}

fn failed(error: ort::Error) -> InferenceError {
    InferenceError::Run(message::without_absolute_paths(error.message()))
}

impl OutputKind {
    fn read(self, row: &[f32]) -> Result<Probabilities, InferenceError> {
        match self {
            Self::Probabilities => Probabilities::new(row),
            Self::Logits => Probabilities::from_logits(row),
        }
    }
}
