//! Errors in plans.

use std::path::PathBuf;

use crate::{arch::catalog::CatalogError, recipe::RecipeError};

/// A plan is not valid.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The file cannot be read.
    #[error("cannot read the plan {path}: {reason}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        reason: std::io::Error,
    },
    /// The file is not TOML, or has an unknown key or a value of the wrong type.
    #[error("the plan {path} is not valid: {reason}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// The cause, with the line.
        reason: Box<toml::de::Error>,
    },
    /// The file has no `[[run]]` table.
    #[error("the plan {0} does not list a run; add a [[run]] table")]
    Empty(PathBuf),
    /// The name of a run cannot be the name of a folder.
    #[error(
        "`{0}` cannot name a run; use letters, digits, `-`, `_` and `.`, and start with a letter or digit"
    )]
    Name(String),
    /// Two runs have the same name.
    #[error("two runs of the plan are named `{0}`; rename one of them")]
    DuplicateName(String),
    /// The plan does not list a dependency.
    #[error(
        "`{key}` of run `{run}` names `{name}`, but the plan does not list that run; it lists {known}"
    )]
    UnknownRun {
        /// The run.
        run: String,
        /// The key that names the dependency.
        key: &'static str,
        /// The dependency.
        name: String,
        /// All names of the plan.
        known: String,
    },
    /// `--only` names a run that the plan does not list.
    #[error("the plan does not list a run `{name}`; it lists {known}")]
    UnknownSelection {
        /// The run.
        name: String,
        /// All names of the plan.
        known: String,
    },
    /// Runs depend on each other.
    #[error("runs depend on each other in a cycle: {}; remove one of these dependencies", .0.join(" -> "))]
    Cycle(Vec<String>),
    /// The recipe of a run is not valid.
    #[error("run `{run}`: {reason}")]
    Recipe {
        /// The run.
        run: String,
        /// The cause.
        reason: RecipeError,
    },
    /// The overrides of a run are not valid.
    #[error("`overrides` of run `{run}` are not valid recipe keys: {detail}")]
    Overrides {
        /// The run.
        run: String,
        /// The cause.
        detail: String,
    },
    /// The network of a run is not valid.
    #[error("run `{run}`: {reason}")]
    Architecture {
        /// The run.
        run: String,
        /// The cause.
        reason: CatalogError,
    },
    /// The recipe refers to a file that none of the run's dependencies in the plan produces.
    #[error(
        "`{recipe_key}` in the recipe of run `{run}` names {path}, which none of the plan's `{plan_key}` of this run \
         produces; {remedy}"
    )]
    UnlistedSource {
        /// The run.
        run: String,
        /// The recipe's key.
        recipe_key: &'static str,
        /// The path in the recipe.
        path: PathBuf,
        /// The plan's key.
        plan_key: &'static str,
        /// The remedy.
        remedy: String,
    },
    /// The recipe does not refer to a dependency.
    #[error(
        "`{plan_key}` of run `{run}` names `{name}`, but `{recipe_key}` in its recipe does not; add one of {paths} there"
    )]
    UnusedSource {
        /// The run.
        run: String,
        /// The plan's key.
        plan_key: &'static str,
        /// The dependency.
        name: String,
        /// The recipe's key.
        recipe_key: &'static str,
        /// Paths that refer to the dependency.
        paths: String,
    },
    /// An export is outside the root folder or not an ONNX file.
    #[error(
        "run `{run}` cannot be exported to {path}; name a relative path such as models/NAME/1/model.onnx"
    )]
    ExportPath {
        /// The run.
        run: String,
        /// The path.
        path: PathBuf,
    },
    /// Two exports have the same folder.
    #[error(
        "runs `{first}` and `{second}` are both exported to {folder}; give each export its own folder"
    )]
    DuplicateExport {
        /// The folder.
        folder: PathBuf,
        /// One run.
        first: String,
        /// The other run.
        second: String,
    },
    /// An INT8 file is quantised from a file that no run exports.
    #[error(
        "{path} is quantised from {model}, which no run of the plan exports; name a path in `exports` of a run"
    )]
    Int8Model {
        /// The INT8 file.
        path: PathBuf,
        /// The float file.
        model: PathBuf,
    },
    /// An INT8 file is outside the root folder or not an ONNX file.
    #[error(
        "a model cannot be quantised to {0}; name a relative path such as models/NAME-int8/1/model.onnx"
    )]
    Int8Path(PathBuf),
    /// An ensemble cannot have members.
    #[error("the ensemble {0} has no candidates; name models of the plan as NAME@VERSION")]
    EnsembleWithoutCandidates(PathBuf),
    /// A candidate of an ensemble is not a model of the plan.
    #[error(
        "the ensemble {path} has the candidate {candidate}, which the plan does not make; name NAME@VERSION of an export or INT8 file in models/"
    )]
    EnsembleCandidate {
        /// The folder of the ensemble.
        path: PathBuf,
        /// The candidate.
        candidate: String,
    },
    /// The folder of an ensemble is outside the root folder, or contains another model.
    #[error(
        "an ensemble cannot be written to {0}; name a relative folder of its own such as models/NAME/1"
    )]
    EnsemblePath(PathBuf),
    /// An INT8 file has the folder of another file.
    #[error(
        "{0} is the folder of an INT8 file and of another model file; give each file its own folder"
    )]
    Int8Folder(PathBuf),
}
