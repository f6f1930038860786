//! Converts a Keras model to a model file. The file is written only if ONNX Runtime matches libtorch and, when Keras'
//! outputs are given, Keras.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
    time::SystemTime,
};

use mien_faces::image::Face;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sha2::{Digest, Sha256};
use tch::{Device, Kind, TchError, Tensor};

use crate::{
    arch::{
        catalog::INPUT_SIDE,
        parameter,
        summary::{self, Summary},
    },
    evaluate,
    export::{self, PARITY_FACES, TOLERANCE},
    keras::{self, KerasModel, Output},
    onnx::{
        batch_norm_folding::BatchNormFolding,
        metadata::Metadata,
        session::{Model, Runtime},
        views::Views,
        weights::WeightFormat,
        writer,
    },
    torch::{network::Network, weights::Weights},
};

mod error;
mod reference;

pub use error::ImportError;
pub use reference::Reference;

/// Result of an import.
#[derive(Debug)]
pub struct Imported {
    /// Size of the network.
    pub summary: Summary,
    /// Keras version in the file; empty if the file has none.
    pub version: String,
    /// Largest difference of a logit or probability between libtorch and ONNX Runtime.
    pub difference: f32,
    /// Comparison with Keras' outputs, if they were given.
    pub check: Option<Check>,
}

/// Comparison of the written file with Keras.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Check {
    /// Number of compared images.
    pub images: usize,
    /// Largest difference of a probability, or of a logit if the model ends without softmax.
    pub difference: f32,
    /// Whether ONNX Runtime was compared. Otherwise libtorch was, because the images are not whole gray levels, which the
    /// file requires.
    pub by_onnx: bool,
}

/// Converts `file`, compares the outputs and writes the model to `out`.
///
/// # Errors
/// Returns an error if the file does not match the network, outputs differ by more than [`TOLERANCE`], or `out` cannot
/// be written.
pub fn import(
    file: &Path,
    architecture: Option<&str>,
    reference: Option<&Reference>,
    batch_norm_folding: BatchNormFolding,
    out: &Path,
) -> Result<Imported, ImportError> {
    let bytes = fs::read(file).map_err(|source| keras::KerasError::Io {
        path: file.to_owned(),
        source,
    })?;
    let sha256 = hex::encode(Sha256::digest(&bytes));
    let model = keras::decode(bytes, architecture)?;
    let summary = summary::summary(&model.graph)?;
    let weights = weights(&model)?;
    let (graph, values) = batch_norm_folding.apply(&model.graph, model.values.clone())?;
    let encoded = writer::encode(&graph, &values, &metadata(file, &sha256, &summary, &model))?;

    let runtime = Runtime::load()?;
    let mut session = Model::open(&runtime, &encoded)?;
    let network = Network::new(model.graph.clone(), Kind::Float)?;
    let faces = reference.and_then(|reference| reference.faces(model.scaling));
    let faces = faces.unwrap_or_else(random_images);
    let difference = export::compare(&network, &weights, 1.0, Views::Single, &mut session, &faces)?;
    let check = match reference {
        Some(reference) => Some(check(&model, &network, &weights, &mut session, reference)?),
        None => None,
    };
    let folder = out.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|source| ImportError::Folder {
        path: folder.to_owned(),
        source,
    })?;
    export::replace(out, &encoded)?;
    Ok(Imported {
        summary,
        version: model.version,
        difference,
        check,
    })
}

fn check(
    model: &KerasModel,
    network: &Network,
    weights: &Weights,
    session: &mut Model,
    reference: &Reference,
) -> Result<Check, ImportError> {
    let faces = reference.faces(model.scaling);
    let found = match &faces {
        Some(faces) => {
            let outputs = session.run(faces)?;
            match model.output {
                Output::Probabilities => outputs.probabilities,
                Output::Logits => outputs.logits,
            }
        }
        None => with_libtorch(model, network, weights, reference)?,
    };
    let difference = export::largest_difference(&reference.outputs, &found);
    if difference > TOLERANCE || difference.is_nan() {
        return Err(ImportError::Differs { difference });
    }
    Ok(Check {
        images: reference.count(),
        difference,
        by_onnx: faces.is_some(),
    })
}

fn with_libtorch(
    model: &KerasModel,
    network: &Network,
    weights: &Weights,
    reference: &Reference,
) -> Result<Vec<f32>, TchError> {
    let side = INPUT_SIDE as i64;
    let images = Tensor::from_slice(&reference.grays(model.scaling)).view([-1, 1, side, side]);
    let logits = evaluate::forward(network, weights, &images, Device::Cpu)?;
    let outputs = match model.output {
        Output::Probabilities => logits.f_softmax(-1, Kind::Float)?,
        Output::Logits => logits,
    };
    Vec::try_from(&outputs.f_flatten(0, -1)?)
}

fn weights(model: &KerasModel) -> Result<Weights, ImportError> {
    let mut named = HashMap::new();
    for parameter in parameter::list(&model.graph)? {
        let shape: Vec<i64> = parameter.shape.iter().map(|&n| n as i64).collect();
        let values = model
            .values
            .get(&parameter.name)
            .map(Vec::as_slice)
            .unwrap_or_default();
        named.insert(
            parameter.name,
            Tensor::from_slice(values).f_view(&shape[..])?,
        );
    }
    Ok(Weights::from_named(&model.graph, &named, Device::Cpu)?)
}

fn metadata(file: &Path, sha256: &str, summary: &Summary, model: &KerasModel) -> Metadata {
    let name = file
        .file_name()
        .map(|name| name.to_string_lossy())
        .unwrap_or_default();
    let imported = serde_json::json!({ "file": name, "sha256": sha256, "keras": model.version });
    Metadata {
        architecture: summary.name.clone(),
        parameters: summary.parameters,
        temperature: 1.0,
        views: Views::Single,
        weights: WeightFormat::Float32,
        trained_on: "unknown: imported from Keras".to_owned(),
        recipe: serde_json::json!({ "imported": imported }),
        accuracy: BTreeMap::new(),
        created: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
    }
}

/// Returns deterministic wave patterns, because an import has no data set.
fn random_images() -> Vec<Face> {
    let mut rng = StdRng::seed_from_u64(0);
    let image = |rng: &mut StdRng| {
        let [down, right, shift] = [(); 3].map(|()| rng.random_range(0.0..0.4_f32));
        let gray = |at: usize| {
            let (y, x) = ((at / INPUT_SIDE) as f32, (at % INPUT_SIDE) as f32);
            (128.0 + 100.0 * (down * y + right * x + 15.0 * shift).sin()) as u8
        };
        Face::new(INPUT_SIDE, (0..INPUT_SIDE * INPUT_SIDE).map(gray).collect())
    };
    (0..PARITY_FACES).filter_map(|_| image(&mut rng)).collect()
}
