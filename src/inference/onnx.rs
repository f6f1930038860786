//! A classifier that runs an ONNX file with ONNX Runtime. With [`runtime`](super::runtime) the only
//! module that knows `ort`.

mod buffer;
mod halves;
mod session;

use std::borrow::Cow;

use half::{f16, slice::HalfFloatSliceExt};
use mien_faces::image::Face;
use ort::value::TensorRef;

use self::buffer::Buffer;
pub use self::session::{Declaration, Session};
use super::{
    Answer, Classifier, InferenceError, Input, Probabilities, probabilities,
    signature::{Output, OutputKind, Signature},
};

/// A session with the buffer that its input is written to.
pub struct OnnxClassifier {
    session: Session,
    signature: Signature,
    kind: OutputKind,
    labels: usize,
    /// Images of one run; the buffer's size.
    max_batch: usize,
    buffer: Buffer,
}

impl OnnxClassifier {
    /// Takes an open session over and tries it once, with as many images as it will ever run at once:
    /// memory that is missing, or an output of the wrong shape, shows now and not on a request.
    ///
    /// # Errors
    /// When the trial fails or its output is not one distribution over `labels` labels an image.
    pub fn new(
        session: Session,
        signature: Signature,
        labels: usize,
        max_batch: usize,
    ) -> Result<Self, InferenceError> {
        let mut classifier = Self::untried(session, signature, labels, max_batch);
        classifier.try_out()?;
        Ok(classifier)
    }

    /// Takes over an open session of a model that has been tried elsewhere.
    pub fn untried(
        session: Session,
        signature: Signature,
        labels: usize,
        max_batch: usize,
    ) -> Self {
        let max_batch = signature.fixed_batch.unwrap_or(max_batch).max(1);
        let elements = max_batch * signature.side * signature.side;
        let buffer = Buffer::new(&signature, session.halved, elements);
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

    /// Gives the session back.
    pub fn into_session(self) -> Session {
        self.session
    }

    /// What the output holds, as declared or found out.
    pub fn kind(&self) -> OutputKind {
        self.kind
    }

    /// Runs blank and striped faces. Where nothing says what the answer holds, it is probabilities
    /// when each row of the trial is a distribution, and logits otherwise.
    fn try_out(&mut self) -> Result<(), InferenceError> {
        let side = self.signature.side;
        let face = |index: usize| {
            let gray = |pixel: usize| {
                if (pixel / 5 + index).is_multiple_of(2) {
                    0
                } else {
                    255
                }
            };
            let striped = (0..side * side).map(gray).collect();
            let pixels = if index == 0 {
                vec![128; side * side]
            } else {
                striped
            };
            Input::Face(Face::new(side, pixels).expect("a square of the model's side"))
        };
        let faces: Vec<Input> = (0..self.max_batch).map(face).collect();
        let rows = self.run(&faces)?;
        let mut answers = rows.iter().map(|row| self.answer_of(row));
        if self.signature.kind.is_none() && answers.all(probabilities::is_distribution) {
            self.kind = OutputKind::Probabilities;
        }
        rows.iter()
            .try_for_each(|row| self.kind.read(self.answer_of(row)).map(drop))
    }

    /// The values of the answer among those of all outputs.
    fn answer_of<'a>(&self, row: &'a [f32]) -> &'a [f32] {
        let start = self.signature.outputs[..self.signature.answer]
            .iter()
            .map(|o| o.columns)
            .sum();
        &row[start..start + self.labels]
    }

    /// Runs up to `max_batch` inputs; the values of all outputs, input by input.
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
            halved,
        } = &mut self.session;
        let name = if *halved {
            halves::INPUT
        } else {
            self.signature.input.as_str()
        };
        let outputs = match &self.buffer {
            Buffer::Bytes(buffer) => {
                let view = (shape, &buffer[..batch * area]);
                let tensor = TensorRef::from_array_view(view).map_err(failed)?;
                session.run(ort::inputs![name => tensor]).map_err(failed)?
            }
            Buffer::Floats(buffer, _) => {
                let view = (shape, &buffer[..batch * area]);
                let tensor = TensorRef::from_array_view(view).map_err(failed)?;
                session.run(ort::inputs![name => tensor]).map_err(failed)?
            }
            Buffer::Halves(buffer, _) => {
                let view = (shape, &buffer[..batch * area]);
                let tensor = TensorRef::from_array_view(view).map_err(failed)?;
                session.run(ort::inputs![name => tensor]).map_err(failed)?
            }
        };
        let values = self.signature.output_values();
        let mut rows: Vec<Vec<f32>> = inputs.iter().map(|_| Vec::with_capacity(values)).collect();
        for Output {
            name,
            columns,
            half,
        } in &self.signature.outputs
        {
            let output = outputs.get(name);
            let output = output.ok_or_else(|| InferenceError::Output(format!("no `{name}`")))?;
            let (shape, values) = if *half {
                let (shape, halves) = output.try_extract_tensor::<f16>().map_err(failed)?;
                (shape, Cow::Owned(halves.to_f32_vec()))
            } else {
                let (shape, floats) = output.try_extract_tensor::<f32>().map_err(failed)?;
                (shape, Cow::Borrowed(floats))
            };
            let fits = shape.last().copied() == i64::try_from(*columns).ok();
            if values.len() != batch * columns || !fits {
                let reason =
                    format!("`{name}` of shape {shape:?} in place of [{batch}, {columns}]");
                return Err(InferenceError::Output(reason));
            }
            for (row, values) in rows.iter_mut().zip(values.chunks_exact(*columns)) {
                row.extend_from_slice(values);
            }
        }
        Ok(rows.into_iter().map(Vec::into_boxed_slice).collect())
    }
}

impl Classifier for OnnxClassifier {
    fn classify(
        &mut self,
        inputs: &[Input],
    ) -> Result<Vec<Result<Answer, InferenceError>>, InferenceError> {
        let mut answers = Vec::with_capacity(inputs.len());
        for inputs in inputs.chunks(self.max_batch) {
            for outputs in self.run(inputs)? {
                let probabilities = self.kind.read(self.answer_of(&outputs));
                answers.push(probabilities.map(|probabilities| Answer {
                    probabilities,
                    outputs,
                }));
            }
        }
        Ok(answers)
    }
}

fn failed(error: ort::Error) -> InferenceError {
    InferenceError::Run(error.message().to_owned())
}

impl OutputKind {
    fn read(self, row: &[f32]) -> Result<Probabilities, InferenceError> {
        match self {
            Self::Probabilities => Probabilities::new(row),
            Self::Logits => Probabilities::from_logits(row),
        }
    }
}
