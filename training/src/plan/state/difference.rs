//! Differences between existing files and the plan, as text for error messages.

use std::path::PathBuf;

use crate::{
    plan::{Export, PlannedRun, normalized},
    recipe::Recipe,
    report::{ModelReport, TemperatureSource, keys},
};

/// Describes the first difference between the network and recipe of a run and those of the plan.
pub(super) fn of_run(planned: &PlannedRun, architecture: &str, recipe: &Recipe) -> Option<String> {
    if architecture != planned.architecture {
        return Some(format!(
            "it has the network {architecture}, but the plan names {}",
            planned.architecture
        ));
    }
    let recipe = with_planned_paths(recipe.clone(), &planned.recipe);
    let differing = keys::differing(&[&recipe, &planned.recipe]);
    let (key, values) = differing.first_key_value()?;
    Some(format!(
        "recipe key `{key}` is {} there, but {} in the plan",
        values[0], values[1]
    ))
}

/// Replaces paths that differ from those of the plan only in the root folder.
fn with_planned_paths(mut recipe: Recipe, planned: &Recipe) -> Recipe {
    let teachers = |recipe: &Recipe| {
        recipe
            .distill
            .iter()
            .flat_map(|distill| distill.teachers.clone())
            .collect::<Vec<_>>()
    };
    let expected: Vec<PathBuf> = teachers(planned)
        .into_iter()
        .chain(planned.init.clone())
        .collect();
    let paths = recipe
        .distill
        .iter_mut()
        .flat_map(|distill| &mut distill.teachers);
    for (path, expected) in paths.chain(&mut recipe.init).zip(expected) {
        if path.ends_with(normalized(&expected)) {
            *path = expected;
        }
    }
    recipe
}

/// Compares the fingerprints of the training faces.
pub(super) fn of_data(there: &str, here: &str) -> Option<String> {
    (there != here).then(|| {
        format!("its training faces have the SHA-256 {there}, but those of --data have {here}")
    })
}

/// Compares the options of an export. Reports of the first version do not contain options, because only the defaults
/// existed.
pub(super) fn of_options(export: &Export, report: Option<&ModelReport>) -> Option<String> {
    let precise_bn = report.is_some_and(|report| report.precise_bn_faces.is_some());
    if precise_bn != export.precise_bn {
        return Some(format!(
            "`precise_bn` is {precise_bn} there, but {} in the plan",
            export.precise_bn
        ));
    }
    let views = report.map(|report| report.views).unwrap_or_default();
    if views != export.views {
        return Some(format!(
            "`views` is {views:?} there, but {:?} in the plan",
            export.views
        ));
    }
    let weights = report.map(|report| report.weights).unwrap_or_default();
    if weights != export.weights {
        let (there, here) = (weights.name(), export.weights.name());
        return Some(format!(
            "`weights` is {there} there, but {here} in the plan"
        ));
    }
    let from = report.and_then(|report| match &report.temperature.source {
        TemperatureSource::HoldoutOf(run) => Some(run.as_str()),
        TemperatureSource::Given => Some("--temperature"),
        TemperatureSource::Holdout | TemperatureSource::NotFitted => None,
    });
    let planned = export.temperature_from.as_deref();
    (from != planned)
        .then(|| format!("`temperature_from` is {from:?} there, but {planned:?} in the plan"))
}

/// Compares the checkpoint of an export with that of the run's folder.
pub(super) fn of_checkpoint(report: Option<&ModelReport>, here: Option<&str>) -> Option<String> {
    let there = report?.training.checkpoint_sha256.as_deref()?;
    (there != here?).then(|| "it was exported from another checkpoint of the run".to_owned())
}

/// Compares the SHA-256 of a model file with that in its report.
pub(super) fn of_file(report: Option<&ModelReport>, here: &str) -> Option<String> {
    (report?.sha256 != here).then(|| "its report.json belongs to another file".to_owned())
}
