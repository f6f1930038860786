//! A run's averaged weights as a model file, written only where ONNX Runtime answers as libtorch does.

use std::{collections::BTreeMap, fs, path::Path, time::SystemTime};

use mien_faces::{
    dataset::{Dataset, DatasetError, Sample, Split},
    emotion::Emotion,
    image::Face,
    report::{Outcome, Report, Tally},
};
use tch::{Device, Kind, TchError};

use crate::{
    arch::{catalog, graph::Graph},
    evaluate,
    onnx::{
        metadata::Metadata,
        session::{Model, Runtime},
        writer::{self, Values},
    },
    recipe::Recipe,
    torch::{network::Network, weights::Weights},
    train::{checkpoint::Checkpoint, run::Run},
};

mod error;

pub use error::ExportError;

/// The largest difference between libtorch's and ONNX Runtime's outputs with which a file is written.
pub const TOLERANCE: f32 = 1e-4;

/// Batch sizes at which both are compared.
const PARITY_BATCHES: [usize; 3] = [1, 3, 64];

/// Faces a run of ONNX Runtime when judging.
const BATCH: usize = 64;

/// What an export gave.
#[derive(Debug)]
pub struct Exported {
    /// Largest difference between the two runtimes.
    pub difference: f32,
    /// How well the file does on the test faces, by ONNX Runtime; absent where there are none.
    pub report: Option<Report>,
}

/// A run read back from its folder.
#[derive(Debug)]
pub struct Trained {
    run: Run,
    recipe: Recipe,
    graph: Graph,
    weights: Weights,
}

impl Trained {
    /// Reads a run's averaged weights.
    ///
    /// # Errors
    /// Where there is no run or checkpoint, or its epochs are not all done and `unfinished` is not set.
    pub fn open(folder: &Path, unfinished: bool) -> Result<Self, ExportError> {
        let (run, recipe) = Run::open(folder)?;
        let checkpoint =
            Checkpoint::read(folder)?.ok_or_else(|| ExportError::Untrained(folder.to_owned()))?;
        let (done, wanted) = (checkpoint.state.epoch, recipe.epochs);
        if done < wanted && !unfinished {
            return Err(ExportError::Unfinished { folder: folder.to_owned(), done, wanted });
        }
        let graph = catalog::build(&run.architecture)?;
        let weights = Weights::from_named(&graph, &checkpoint.named("ema"), Device::Cpu)?;
        Ok(Self { run, recipe, graph, weights })
    }

    /// The data set as the run named it.
    pub fn data(&self) -> &Path {
        &self.run.data
    }

    /// Checks the model against libtorch on real faces, judges it on the test faces and writes it to `out`.
    ///
    /// # Errors
    /// Where the two differ by more than [`TOLERANCE`], or anything cannot be read or written.
    pub fn export(&self, data: &Path, out: &Path) -> Result<Exported, ExportError> {
        let dataset = Dataset::open(data)?;
        let values = values(&self.weights)?;
        let mut metadata = self.metadata()?;
        let runtime = Runtime::load()?;
        let mut model = Model::open(&runtime, &writer::encode(&self.graph, &values, &metadata)?)?;

        let difference = self.compare(&mut model, &real_faces(&dataset)?)?;
        let report = judge(&mut model, dataset.samples(Split::Test))?;
        metadata.accuracy = report.as_ref().map(accuracies).unwrap_or_default();
        // Only the metadata has changed since the comparison.
        write(out, &writer::encode(&self.graph, &values, &metadata)?)?;
        Ok(Exported { difference, report })
    }

    fn metadata(&self) -> Result<Metadata, ExportError> {
        Ok(Metadata {
            architecture: self.run.architecture.clone(),
            parameters: catalog::summary(&self.graph)?.parameters,
            temperature: 1.0,
            trained_on: format!(
                "fer2013 train, {} faces, sha256:{}",
                self.run.training_faces, self.run.data_sha256
            ),
            recipe: serde_json::json!(self.recipe),
            accuracy: BTreeMap::new(),
            created: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        })
    }

    fn compare(&self, model: &mut Model, faces: &[Face]) -> Result<f32, ExportError> {
        let network = Network::new(self.graph.clone(), Kind::Float)?;
        let mut largest = 0.0f32;
        for batch in PARITY_BATCHES {
            let faces: Vec<Face> = faces.iter().cycle().take(batch).cloned().collect();
            let logits = evaluate::logits(&network, &self.weights, &faces, Device::Cpu)?;
            let probabilities = logits.f_softmax(-1, Kind::Float)?;
            let answers = model.run(&faces)?;
            for (expected, found) in
                [(&logits, &answers.logits), (&probabilities, &answers.probabilities)]
            {
                let expected: Vec<f32> = Vec::try_from(&expected.f_flatten(0, -1)?)?;
                let differences = expected.iter().zip(found).map(|(a, b)| (a - b).abs());
                // A NaN counts as the largest difference.
                let difference =
                    differences.fold(0.0, |a: f32, b| if b > a || b.is_nan() { b } else { a });
                if difference > TOLERANCE || difference.is_nan() {
                    return Err(ExportError::Parity { difference, batch });
                }
                largest = largest.max(difference);
            }
        }
        Ok(largest)
    }
}

/// As many faces as the largest comparison takes, mixed over the classes: of the test split where there is one.
fn real_faces(dataset: &Dataset) -> Result<Vec<Face>, DatasetError> {
    let count = PARITY_BATCHES.into_iter().max().unwrap_or(1);
    let split = if dataset.samples(Split::Test).is_empty() { Split::Train } else { Split::Test };
    dataset.required(split)?;
    dataset.subset(split, count).iter().map(|sample| sample.load(catalog::INPUT_SIDE)).collect()
}

fn values(weights: &Weights) -> Result<Values, TchError> {
    let plain = |tensor: &tch::Tensor| Vec::try_from(&tensor.f_contiguous()?.f_flatten(0, -1)?);
    weights.iter().map(|(parameter, tensor)| Ok((parameter.name.clone(), plain(tensor)?))).collect()
}

/// The model's report on samples; `None` where there are none.
///
/// # Errors
/// An image that cannot be read, or what ONNX Runtime refuses.
pub fn judge(model: &mut Model, samples: &[Sample]) -> Result<Option<Report>, ExportError> {
    let mut tally = Tally::default();
    for samples in samples.chunks(BATCH) {
        let faces =
            samples.iter().map(|s| s.load(catalog::INPUT_SIDE)).collect::<Result<Vec<_>, _>>()?;
        let answers = model.run(&faces)?;
        let (rows, _) = answers.probabilities.as_chunks::<{ Emotion::COUNT }>();
        for (sample, &probabilities) in samples.iter().zip(rows) {
            tally.add(&Outcome { truth: sample.emotion, usage: sample.usage, probabilities });
        }
    }
    Ok((!samples.is_empty()).then(|| tally.report()))
}

/// Accuracy by split: the whole test split and those that the file names tell.
fn accuracies(report: &Report) -> BTreeMap<String, f64> {
    let parts =
        report.splits.iter().map(|(usage, score)| (usage.name().to_owned(), score.accuracy));
    let all = std::iter::once(("test".to_owned(), report.score.accuracy)).chain(parts);
    all.filter_map(|(split, accuracy)| Some((split, accuracy?))).collect()
}

/// Writes the file beside its place and moves it there, so that a server never loads half of one.
fn write(out: &Path, bytes: &[u8]) -> Result<(), ExportError> {
    let partial = out.with_extension("onnx.partial");
    let folder = out.parent().unwrap_or(Path::new("."));
    let written = fs::create_dir_all(folder)
        .and_then(|()| fs::write(&partial, bytes))
        .and_then(|()| fs::File::open(&partial)?.sync_all())
        .and_then(|()| fs::rename(&partial, out));
    written.map_err(|source| ExportError::Io { path: out.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn trained(name: &str, seed: i64) -> Trained {
        let graph = catalog::build(name).unwrap();
        let weights = Weights::random(&graph, seed, Device::Cpu).unwrap();
        let run = Run {
            architecture: name.to_owned(),
            data: PathBuf::new(),
            data_sha256: String::new(),
            training_faces: 0,
            holdout_faces: 0,
            unreadable: Vec::new(),
            version: String::new(),
        };
        Trained { run, recipe: Recipe::default(), graph, weights }
    }

    #[test]
    fn every_family_answers_in_onnx_runtime_as_in_libtorch_and_other_weights_are_refused() {
        let runtime = Runtime::load().unwrap();
        let faces = vec![Face::new(48, (0..48 * 48).map(|i| (i % 251) as u8).collect()).unwrap()];
        for name in ["resnet-8-v1", "resnet-11-v2", "densenet-20-4-c05"] {
            let [one, other] = [1, 2].map(|seed| trained(name, seed));
            let values = values(&one.weights).unwrap();
            let bytes = writer::encode(&one.graph, &values, &one.metadata().unwrap()).unwrap();
            let mut model = Model::open(&runtime, &bytes).unwrap();
            assert!(one.compare(&mut model, &faces).unwrap() <= TOLERANCE, "{name}");
            let refused = other.compare(&mut model, &faces);
            assert!(matches!(refused, Err(ExportError::Parity { .. })), "{name}");
        }
    }
}
