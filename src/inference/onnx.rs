//! A classifier that runs an ONNX file with ONNX Runtime. Only this module and [`runtime`](super::runtime) use `ort`.

mod buffer;
mod fp16_input;
pub(super) mod message;
pub mod openvino;
mod session;
#[cfg(test)]
mod tests;
mod warm_up;
mod yunet;

use std::borrow::Cow;

use half::{f16, slice::HalfFloatSliceExt};
use ort::session::SessionOutputs;

use self::buffer::Buffer;
pub use self::{
    session::{ModelMetadata, Session},
    yunet::{Photo, YuNet},
};
use super::{
    Classifier, InferenceError, Input, Prediction, Probabilities,
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
    /// Wraps an open session of a model that another classifier has warmed up.
    pub fn without_warm_up(
        session: Session,
        signature: Signature,
        labels: usize,
        max_batch: usize,
    ) -> Self {
        let limit = if session.compiles_batch_sizes {
            openvino::MAX_BATCH
        } else {
            usize::MAX
        };
        let max_batch = signature.fixed_batch.unwrap_or(max_batch.min(limit)).max(1);
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
            ..
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
