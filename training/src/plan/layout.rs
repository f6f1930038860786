//! Paths of runs and models.

use std::path::{Path, PathBuf};

use super::PlannedRun;
use crate::recipe::Recipe;

/// Name of the folder below the root that contains the runs.
const RUNS: &str = "runs";

/// The folder that contains `runs/` and `models/` of a plan.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Places runs and models below `root`; an empty path is the working directory.
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Returns the folder of all runs.
    pub fn runs(&self) -> PathBuf {
        self.root.join(RUNS)
    }

    /// Returns the folder of a run.
    pub fn run(&self, name: &str) -> PathBuf {
        self.root.join(relative_run(name))
    }

    /// Returns the path of a model file that the plan names relative to the root.
    pub fn model(&self, path: &Path) -> PathBuf {
        self.root.join(path)
    }

    /// Returns the recipe of a run with its teachers and `init` below the root.
    pub fn recipe(&self, run: &PlannedRun) -> Recipe {
        let mut recipe = run.recipe.clone();
        let paths = recipe
            .distill
            .iter_mut()
            .flat_map(|distill| &mut distill.teachers);
        for path in paths.chain(&mut recipe.init) {
            *path = self.root.join(&*path);
        }
        recipe
    }
}

/// Returns the path with which recipes refer to the folder of a run.
pub(super) fn relative_run(name: &str) -> PathBuf {
    Path::new(RUNS).join(name)
}
