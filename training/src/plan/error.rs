//! Errors in plans.

use std::path::PathBuf;

use crate::{arch::catalog::CatalogError, recipe::RecipeError};

/// Why a plan is not valid.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The file cannot be read.
    #[error("cannot read the plan {path}: {reason}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// Not TOML, an unknown key, or a value of another type.
    #[error("the plan {path} is not valid: {reason}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Why, with the line.
        reason: Box<toml::de::Error>,
    },
    /// No `[[run]]`.
    #[error("the plan {0} lists no runs; add a [[run]] table")]
    Empty(PathBuf),
    /// A name that is not the name of a folder.
    #[error(
        "`{0}` cannot name a run; use letters, digits, `-`, `_` and `.`, and start with a letter or digit"
    )]
    Name(String),
    /// Two runs of one name.
    #[error("two runs of the plan are named `{0}`; rename one of them")]
    DuplicateName(String),
    /// A dependency that the plan does not list.
    #[error(
        "`{key}` of run `{run}` names `{name}`, but the plan lists no such run; it lists {known}"
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
    #[error("the plan lists no run `{name}`; it lists {known}")]
    UnknownSelection {
        /// The run.
        name: String,
        /// All names of the plan.
        known: String,
    },
    /// Runs that depend on each other.
    #[error("runs depend on each other in a cycle: {}; remove one of these dependencies", .0.join(" -> "))]
    Cycle(Vec<String>),
    /// The recipe of a run.
    #[error("run `{run}`: {reason}")]
    Recipe {
        /// The run.
        run: String,
        /// Why.
        reason: RecipeError,
    },
    /// The overrides of a run.
    #[error("`overrides` of run `{run}` do not fit a recipe: {detail}")]
    Overrides {
        /// The run.
        run: String,
        /// Why.
        detail: String,
    },
    /// The network of a run.
    #[error("run `{run}`: {reason}")]
    Architecture {
        /// The run.
        run: String,
        /// Why.
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
        /// What to change.
        remedy: String,
    },
    /// A dependency that the recipe does not refer to.
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
    /// An export outside the root folder, or not to an ONNX file.
    #[error(
        "run `{run}` cannot be exported to {path}; name a relative path such as models/NAME/1/model.onnx"
    )]
    ExportPath {
        /// The run.
        run: String,
        /// The path.
        path: PathBuf,
    },
    /// Two exports to one folder.
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
}
