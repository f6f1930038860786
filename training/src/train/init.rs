//! Initial weights from another run (recipe key `init`).

use std::path::{Path, PathBuf};

use tch::Device;

use super::run::{
    completed::{CompletedRun, CompletedRunError},
    source_file::SourceFile,
};
use crate::{
    arch::graph::Graph,
    recipe::Recipe,
    torch::weights::{Weights, WeightsError},
};

/// The run that `init` names cannot provide the initial weights.
#[derive(Debug, thiserror::Error)]
#[error("cannot start from the weights of {path}: {reason}; check `init` in the recipe")]
pub struct InitError {
    /// The run's folder.
    pub path: PathBuf,
    /// The cause.
    pub reason: Reason,
}

/// Causes of an [`InitError`].
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// The run cannot be read or is not complete.
    #[error(transparent)]
    Run(#[from] CompletedRunError),
    /// The run trained another network.
    #[error("it trained a {theirs}, but this run trains a {ours}")]
    Architecture {
        /// Network of the run that `init` names.
        theirs: String,
        /// Network of the run that starts.
        ours: String,
    },
    /// The run was trained on faces that the new run holds out. The holdout accuracy would be too high.
    #[error(
        "it was trained on faces that this run holds out (its seed is {seed}, its holdout {holdout}); use the same `seed` and `holdout`, or `holdout = 0`"
    )]
    Holdout {
        /// Seed of the run that `init` names.
        seed: u64,
        /// Held-out share of the run that `init` names, 0..1.
        holdout: f64,
    },
    /// A parameter is missing or has another shape.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

/// Returns the weights that a recipe's `init` names and the checkpoint that contains them, or `None` without `init`.
/// `data_sha256` is the fingerprint of the training split of the new run.
///
/// # Errors
/// Returns an error if the run is missing or incomplete, trained another network, or was trained on faces that the new
/// run holds out.
pub fn weights(
    recipe: &Recipe,
    graph: &Graph,
    data_sha256: &str,
    device: Device,
) -> Result<Option<(Weights, SourceFile)>, InitError> {
    let Some(folder) = &recipe.init else {
        return Ok(None);
    };
    read(folder, recipe, graph, data_sha256, device)
        .map(Some)
        .map_err(|reason| InitError {
            path: folder.clone(),
            reason,
        })
}

fn read(
    folder: &Path,
    recipe: &Recipe,
    graph: &Graph,
    data_sha256: &str,
    device: Device,
) -> Result<(Weights, SourceFile), Reason> {
    let CompletedRun {
        run,
        recipe: source,
        checkpoint,
        file,
    } = CompletedRun::open(folder)?;
    if run.architecture != graph.name() {
        let ours = graph.name().to_owned();
        return Err(Reason::Architecture {
            theirs: run.architecture,
            ours,
        });
    }
    let same_faces = (source.seed, source.holdout) == (recipe.seed, recipe.holdout);
    if recipe.holdout > 0.0 && run.data_sha256 == data_sha256 && !same_faces {
        return Err(Reason::Holdout {
            seed: source.seed,
            holdout: source.holdout,
        });
    }
    Ok((checkpoint.averaged(graph, device)?, file))
}
