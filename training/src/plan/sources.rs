//! Checks a recipe's teachers and `init` against the dependencies that the plan lists.

use std::path::{Path, PathBuf};

use super::{PlanError, file::Entry, layout::relative_run, normalized};
use crate::recipe::Recipe;

/// Checks that the recipe refers to all dependencies of the run in the plan and to no other run. A recipe refers to a run by
/// its folder, `runs/NAME`, or, for teachers, by one of its exports.
pub(super) fn check(entry: &Entry, recipe: &Recipe, all: &[Entry]) -> Result<(), PlanError> {
    let teachers = recipe.distill.iter().flat_map(|distill| &distill.teachers);
    let teachers = Sources {
        entry,
        all,
        plan_key: "teachers",
        recipe_key: "distill.teachers",
        names: &entry.teachers,
        paths: teachers.map(|path| normalized(path)).collect(),
        files: true,
    };
    teachers.check()?;
    let init = Sources {
        entry,
        all,
        plan_key: "init",
        recipe_key: "init",
        names: entry.init.as_slice(),
        paths: recipe.init.iter().map(|path| normalized(path)).collect(),
        files: false,
    };
    init.check()
}

/// One kind of dependency: names in the plan and paths in the recipe.
struct Sources<'a> {
    entry: &'a Entry,
    all: &'a [Entry],
    plan_key: &'static str,
    recipe_key: &'static str,
    names: &'a [String],
    paths: Vec<PathBuf>,
    /// Whether exported files count as well as folders.
    files: bool,
}

impl Sources<'_> {
    fn check(&self) -> Result<(), PlanError> {
        let listed = |entry: &&Entry| self.names.contains(&entry.name);
        for path in &self.paths {
            if !self
                .all
                .iter()
                .filter(listed)
                .any(|entry| self.produces(entry, path))
            {
                return Err(PlanError::UnlistedSource {
                    run: self.entry.name.clone(),
                    recipe_key: self.recipe_key,
                    path: path.clone(),
                    plan_key: self.plan_key,
                    remedy: self.remedy(path),
                });
            }
        }
        for entry in self.all.iter().filter(listed) {
            if !self.paths.iter().any(|path| self.produces(entry, path)) {
                let paths: Vec<String> = self
                    .products(entry)
                    .map(|path| path.display().to_string())
                    .collect();
                return Err(PlanError::UnusedSource {
                    run: self.entry.name.clone(),
                    plan_key: self.plan_key,
                    name: entry.name.clone(),
                    recipe_key: self.recipe_key,
                    paths: paths.join(", "),
                });
            }
        }
        Ok(())
    }

    fn produces(&self, entry: &Entry, path: &Path) -> bool {
        self.products(entry).any(|product| product == path)
    }

    fn products(&self, entry: &Entry) -> impl Iterator<Item = PathBuf> {
        let files = self.files.then_some(&entry.exports).into_iter().flatten();
        let files: Vec<PathBuf> = files.map(|export| export.path.clone()).collect();
        std::iter::once(relative_run(&entry.name)).chain(files)
    }

    fn remedy(&self, path: &Path) -> String {
        match self.all.iter().find(|entry| self.produces(entry, path)) {
            Some(entry) => format!("add `{}` there", entry.name),
            None => "add the run that produces it to the plan".to_owned(),
        }
    }
}
