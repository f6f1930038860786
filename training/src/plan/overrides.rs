//! Recipes of a plan's runs.

use std::path::Path;

use super::{PlanError, file::Entry};
use crate::recipe::{Recipe, RecipeError};

/// Reads a run's recipe and applies its overrides.
pub(super) fn recipe(entry: &Entry, folder: &Path) -> Result<Recipe, PlanError> {
    let of_run = |reason: RecipeError| PlanError::Recipe {
        run: entry.name.clone(),
        reason,
    };
    let recipe = Recipe::read(&folder.join(&entry.recipe)).map_err(of_run)?;
    if entry.overrides.is_empty() {
        return Ok(recipe);
    }
    let invalid = |detail: String| PlanError::Overrides {
        run: entry.name.clone(),
        detail,
    };
    let mut table = toml::Table::try_from(&recipe).map_err(|e| invalid(e.to_string()))?;
    merge(&mut table, &entry.overrides);
    let recipe: Recipe = table
        .try_into()
        .map_err(|e: toml::de::Error| invalid(e.to_string()))?;
    recipe.checked().map_err(of_run)
}

/// Replaces keys of a table and of its nested tables.
fn merge(table: &mut toml::Table, overrides: &toml::Table) {
    for (key, value) in overrides {
        match (table.get_mut(key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(overrides)) => {
                merge(inner, overrides);
            }
            _ => {
                table.insert(key.clone(), value.clone());
            }
        }
    }
}
