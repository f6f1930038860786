//! Chooses the temperature of the graph. It is fitted on held-out faces, never on test faces.

use std::path::{Path, PathBuf};

use mien_faces::{
    dataset::Usage,
    expression::Expression,
    image::Face,
    report::{Outcome, Report, Tally},
    temperature::{self, Logits},
};
use tch::{Device, Kind};

use super::{ExportError, Options, Trained, precise_bn};
use crate::{
    arch::catalog,
    data::FaceSet,
    evaluate,
    onnx::views::Views,
    report::{Calibration, Holdout, Temperature, TemperatureSource, keys},
    torch::network::Network,
};

/// The recipe key in which the holdout run and the exported run may differ.
const HOLDOUT_KEY: &str = "holdout";

/// Source of the temperature.
#[derive(Debug, Clone, PartialEq)]
pub enum TemperatureFrom {
    /// The run's own held-out faces; 1 if there are none.
    Run,
    /// The held-out faces and weights of another run, in this folder, with the same network and recipe.
    Other(PathBuf),
    /// The command line.
    Given(f64),
}

/// A temperature and the faces that it was chosen by.
pub(super) struct Chosen {
    pub(super) temperature: Temperature,
    /// Metrics on the held-out faces; `None` if there are none.
    pub(super) holdout: Option<Holdout>,
    /// The held-out faces.
    pub(super) held_out: Vec<Face>,
}

/// Chooses the temperature of a run and evaluates it on the held-out faces. `train` are all faces of the training split.
pub(super) fn choose(
    trained: &Trained,
    train: Option<&FaceSet>,
    data: &Path,
    options: &Options,
) -> Result<Chosen, ExportError> {
    let from = &options.temperature;
    let mut other = match from {
        TemperatureFrom::Other(folder) => Some(holdout_run(trained, folder)?),
        TemperatureFrom::Run | TemperatureFrom::Given(_) => None,
    };
    if let (Some(other), Some(train), true) = (&mut other, train, options.precise_bn) {
        precise_bn::recompute_bn_stats(other, train)?;
    }
    let source_run = other.as_ref().unwrap_or(trained);
    let held_out = held_out(source_run, train, data)?;
    let rows = logits(source_run, &held_out, options.views)?;
    let fitted = temperature::fit(&rows);
    let (value, source) = match (from, fitted) {
        (TemperatureFrom::Given(value), _) => (*value, TemperatureSource::Given),
        (_, Some(value)) if other.is_some() => {
            (value, TemperatureSource::HoldoutOf(source_run.name.clone()))
        }
        (_, Some(value)) => (value, TemperatureSource::Holdout),
        (_, None) => (1.0, TemperatureSource::NotFitted),
    };
    let at = |temperature| report(&rows, temperature);
    let holdout = (!rows.is_empty()).then(|| Holdout {
        of_run: other.as_ref().map(|run| run.name.clone()),
        score: at(value).score,
        before: Calibration::of(&at(1.0)),
        after: Calibration::of(&at(value)),
    });
    let temperature = Temperature { value, source };
    Ok(Chosen {
        temperature,
        holdout,
        held_out: held_out.faces,
    })
}

/// Opens the run of `--temperature-from` and checks that it differs from the exported run only in `holdout`.
fn holdout_run(trained: &Trained, folder: &Path) -> Result<Trained, ExportError> {
    let other = Trained::open(folder, false)?;
    let differs = |key: &str, here: String, there: String| ExportError::OtherRecipe {
        folder: folder.to_owned(),
        key: key.to_owned(),
        here,
        there,
    };
    for (key, here, there) in [
        (
            "architecture",
            &trained.run.architecture,
            &other.run.architecture,
        ),
        (
            "data_sha256",
            &trained.run.data_sha256,
            &other.run.data_sha256,
        ),
    ] {
        if here != there {
            return Err(differs(key, here.clone(), there.clone()));
        }
    }
    let differing = keys::differing(&[&trained.recipe, &other.recipe]);
    if let Some((key, values)) = differing.iter().find(|(key, _)| *key != HOLDOUT_KEY) {
        return Err(differs(key, values[0].to_string(), values[1].to_string()));
    }
    if other.run.holdout_faces == 0 {
        return Err(ExportError::NoHoldout(folder.to_owned()));
    }
    Ok(other)
}

/// Returns the faces that a run held out.
fn held_out(
    trained: &Trained,
    train: Option<&FaceSet>,
    data: &Path,
) -> Result<FaceSet, ExportError> {
    if trained.run.holdout_faces == 0 {
        return Ok(FaceSet::empty(catalog::INPUT_SIDE));
    }
    let train = train.ok_or_else(|| ExportError::OtherData(data.to_owned()))?;
    Ok(trained.split(train).1)
}

/// Returns the logits of each view of every face, with the face's label.
fn logits(
    trained: &Trained,
    faces: &FaceSet,
    views: Views,
) -> Result<Vec<(Vec<Logits>, Expression)>, ExportError> {
    let network = Network::new(trained.graph.clone(), Kind::Float)?;
    let mut rows: Vec<_> = faces
        .labels
        .iter()
        .map(|&label| (Vec::new(), label))
        .collect();
    for view in views.tta().views() {
        let images = faces.faces.iter().map(|face| view.apply(face)).collect();
        let images = FaceSet {
            faces: images,
            labels: faces.labels.clone(),
            ..FaceSet::empty(faces.side)
        };
        let logits = evaluate::labelled_logits(&network, &trained.weights, &images, Device::Cpu)?;
        rows.iter_mut()
            .zip(logits)
            .for_each(|((views, _), (logits, _))| views.push(logits));
    }
    Ok(rows)
}

fn report(rows: &[(Vec<Logits>, Expression)], temperature: f64) -> Report {
    let mut tally = Tally::default();
    for (views, truth) in rows {
        let probabilities = temperature::mean_softmax(views, temperature);
        tally.add(&Outcome {
            truth: *truth,
            usage: Usage::Training,
            probabilities,
        });
    }
    tally.report()
}
