//! The temperature that goes into the graph: fitted on held-out faces, never on test faces.

use std::path::{Path, PathBuf};

use mien_faces::{
    dataset::Usage,
    expression::Expression,
    report::{Outcome, Report, Tally},
    temperature::{self, Logits},
};
use tch::{Device, Kind};

use super::{ExportError, Options, Trained, statistics};
use crate::{
    data::FaceSet,
    evaluate,
    report::{Calibration, Holdout, Temperature, TemperatureSource, keys},
    torch::network::Network,
};

/// The key in which a run with held-out faces and the final one differ.
const HOLDOUT_KEY: &str = "holdout";

/// Where the temperature is to come from.
#[derive(Debug, Clone, PartialEq)]
pub enum TemperatureFrom {
    /// The run's own held-out faces; 1 where it held none out.
    Run,
    /// The held-out faces and weights of another run, in this folder, with the same network and recipe.
    Other(PathBuf),
    /// The user.
    Given(f64),
}

/// The temperature of a run, and what its held-out faces say. `train` are all faces of the training split.
pub(super) fn choose(
    trained: &Trained,
    train: Option<&FaceSet>,
    data: &Path,
    options: &Options,
) -> Result<(Temperature, Option<Holdout>), ExportError> {
    let from = &options.temperature;
    let mut other = match from {
        TemperatureFrom::Other(folder) => Some(partner(trained, folder)?),
        TemperatureFrom::Run | TemperatureFrom::Given(_) => None,
    };
    if let (Some(other), Some(train), true) = (&mut other, train, options.precise_bn) {
        statistics::renew(other, train)?;
    }
    let judged = other.as_ref().unwrap_or(trained);
    let rows = held_out(judged, train, data)?;
    let fitted = temperature::fit(&rows);
    let (value, source) = match (from, fitted) {
        (TemperatureFrom::Given(value), _) => (*value, TemperatureSource::Given),
        (_, Some(value)) if other.is_some() => {
            (value, TemperatureSource::HoldoutOf(judged.name.clone()))
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
    Ok((Temperature { value, source }, holdout))
}

/// Another run that is the same but for its held-out faces.
fn partner(trained: &Trained, folder: &Path) -> Result<Trained, ExportError> {
    let other = Trained::open(folder, false)?;
    let differs = |key: &str, here: String, there: String| ExportError::OtherRecipe {
        folder: folder.to_owned(),
        key: key.to_owned(),
        here,
        there,
    };
    for (key, here, there) in [
        ("architecture", &trained.run.architecture, &other.run.architecture),
        ("data_sha256", &trained.run.data_sha256, &other.run.data_sha256),
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

/// Logits and labels of the faces that a run held out; none where it held none out.
fn held_out(
    trained: &Trained,
    train: Option<&FaceSet>,
    data: &Path,
) -> Result<Vec<(Logits, Expression)>, ExportError> {
    if trained.run.holdout_faces == 0 {
        return Ok(Vec::new());
    }
    let train = train.ok_or_else(|| ExportError::OtherData(data.to_owned()))?;
    let (_, held) = trained.split(train);
    let network = Network::new(trained.graph.clone(), Kind::Float)?;
    Ok(evaluate::labelled_logits(&network, &trained.weights, &held, Device::Cpu)?)
}

fn report(rows: &[(Logits, Expression)], temperature: f64) -> Report {
    let mut tally = Tally::default();
    for (logits, truth) in rows {
        let probabilities = temperature::softmax(logits, temperature);
        tally.add(&Outcome { truth: *truth, usage: Usage::Training, probabilities });
    }
    tally.report()
}
