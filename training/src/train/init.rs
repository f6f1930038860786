//! Weights that a run begins with where it does not begin at random: the averaged ones of another run.

use std::path::{Path, PathBuf};

use tch::Device;

use super::{
    finished::{FinishedError, FinishedRun},
    run::SourceFile,
};
use crate::{
    arch::graph::Graph,
    recipe::Recipe,
    torch::weights::{Weights, WeightsError},
};

/// A run that another one cannot begin from.
#[derive(Debug, thiserror::Error)]
#[error("cannot begin with the weights of {path}: {reason}; look at `init` in the recipe")]
pub struct InitError {
    /// The run's folder.
    pub path: PathBuf,
    /// Why.
    pub reason: Reason,
}

/// Why a run cannot be begun from.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// The run itself.
    #[error(transparent)]
    Run(#[from] FinishedError),
    /// Another network.
    #[error("it trains a {there}, not a {here}")]
    Architecture {
        /// Its network.
        there: String,
        /// This run's.
        here: String,
    },
    /// Faces that this run holds out were trained on there, so that they would judge what was learnt by heart.
    #[error(
        "it was trained on faces that this run holds out (its seed is {seed}, its holdout {holdout}); give this run the same two, or `holdout = 0`"
    )]
    Holdout {
        /// Its seed.
        seed: u64,
        /// Its held-out share.
        holdout: f64,
    },
    /// Its weights do not fit.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

/// The weights that a recipe's `init` names, and the file that they stand in; `data_sha256` is that of the faces that
/// this run trains on. `None` where the recipe names none.
///
/// # Errors
/// Where there is no such run, or it is one of another network or of other held-out faces.
pub fn weights(
    recipe: &Recipe,
    graph: &Graph,
    data_sha256: &str,
    device: Device,
) -> Result<Option<(Weights, SourceFile)>, InitError> {
    let Some(folder) = &recipe.init else { return Ok(None) };
    read(folder, recipe, graph, data_sha256, device)
        .map(Some)
        .map_err(|reason| InitError { path: folder.clone(), reason })
}

fn read(
    folder: &Path,
    recipe: &Recipe,
    graph: &Graph,
    data_sha256: &str,
    device: Device,
) -> Result<(Weights, SourceFile), Reason> {
    let FinishedRun { run, recipe: its, checkpoint, file } = FinishedRun::open(folder)?;
    if run.architecture != graph.name() {
        let here = graph.name().to_owned();
        return Err(Reason::Architecture { there: run.architecture, here });
    }
    let same_faces = (its.seed, its.holdout) == (recipe.seed, recipe.holdout);
    if recipe.holdout > 0.0 && run.data_sha256 == data_sha256 && !same_faces {
        return Err(Reason::Holdout { seed: its.seed, holdout: its.holdout });
    }
    Ok((checkpoint.averaged(graph, device)?, file))
}
