//! The modules of one crate, and the file that defines the item of a path.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::source::{self, Module};

/// Limit on the number of re-exports that are followed for one path.
const MAX_REEXPORTS: usize = 16;

/// All modules of a crate by their path from the crate root.
pub(super) struct ModuleTree {
    modules: BTreeMap<Vec<String>, Located>,
}

/// A module and the file that contains it, relative to the checkout.
struct Located {
    file: PathBuf,
    module: Module,
}

/// A use of something that another file of the crate defines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    pub(super) from: PathBuf,
    pub(super) line: usize,
    pub(super) to: PathBuf,
}

impl ModuleTree {
    /// Reads the crate whose root file is `crate_root`, relative to `checkout`.
    ///
    /// # Errors
    /// Returns an error if a source file cannot be read or split into tokens.
    pub(super) fn read(checkout: &Path, crate_root: &Path) -> Result<Self> {
        let mut tree = Self {
            modules: BTreeMap::new(),
        };
        let folder = crate_root.parent().unwrap_or(Path::new("")).to_owned();
        tree.add(checkout, crate_root, &folder, &[])?;
        Ok(tree)
    }

    /// Adds a file, whose child modules are in `folder`, and then its children.
    fn add(&mut self, checkout: &Path, file: &Path, folder: &Path, path: &[String]) -> Result<()> {
        let text = fs::read_to_string(checkout.join(file))
            .with_context(|| format!("cannot read {}", file.display()))?;
        let modules = source::read(&text).with_context(|| file.display().to_string())?;
        for module in modules {
            let path = [path, &module.inline].concat();
            let folder = folder.join(module.inline.iter().collect::<PathBuf>());
            for child in &module.children {
                let files = [
                    folder.join(format!("{child}.rs")),
                    folder.join(child).join("mod.rs"),
                ];
                // A child without a file has its body in this file.
                if let Some(file) = files.iter().find(|file| checkout.join(file).is_file()) {
                    let path = [path.clone(), vec![child.clone()]].concat();
                    self.add(checkout, file, &folder.join(child), &path)?;
                }
            }
            self.modules.insert(
                path,
                Located {
                    file: file.to_owned(),
                    module,
                },
            );
        }
        Ok(())
    }

    /// Returns file, line and path from the crate root of every path and import in the crate.
    pub(super) fn absolute_paths(&self) -> impl Iterator<Item = (&Path, usize, Vec<String>)> {
        self.modules.iter().flat_map(|(module, located)| {
            located.module.paths.iter().map(|path| {
                (
                    located.file.as_path(),
                    path.line,
                    absolute(module, &path.segments),
                )
            })
        })
    }

    /// Returns each use of something that another file defines. Uses of the file's own ancestors do not count, because a
    /// module and its submodules are one unit: the parent usually holds the types that all of them share.
    pub(super) fn edges(&self) -> Vec<Edge> {
        let mut edges = Vec::new();
        for (path, Located { file, module }) in &self.modules {
            for used in &module.paths {
                let Some(to) = self.defining_file(path, &used.segments) else {
                    continue;
                };
                if !self.is_ancestor(to, path) {
                    let (from, to) = (file.clone(), to.to_owned());
                    edges.push(Edge {
                        from,
                        line: used.line,
                        to,
                    });
                }
            }
        }
        edges.sort();
        edges.dedup_by(|a, b| (&a.from, &a.to) == (&b.from, &b.to));
        edges
    }

    /// Whether the file contains the module or one of the modules above it.
    fn is_ancestor(&self, file: &Path, module: &[String]) -> bool {
        (0..=module.len()).any(|depth| self.modules[&module[..depth]].file == file)
    }

    /// Returns the file that defines the last segment, with re-exports followed. Returns `None` for another crate's
    /// items and for paths to a whole module, because the paths that go through such an import are edges themselves.
    fn defining_file(&self, from: &[String], segments: &[String]) -> Option<&Path> {
        let (module, rest) = self.resolve(from, segments, MAX_REEXPORTS)?;
        let is_glob = || {
            self.modules[from]
                .module
                .globs
                .iter()
                .any(|glob| glob == segments)
        };
        let located = &self.modules[&module];
        (!rest.is_empty() || is_glob()).then_some(located.file.as_path())
    }

    /// Splits a path into the module that defines the item and the rest, which begins with the item's name.
    fn resolve(
        &self,
        from: &[String],
        segments: &[String],
        reexports: usize,
    ) -> Option<(Vec<String>, Vec<String>)> {
        let (mut module, mut rest) = split_keywords(from, segments);
        let has_keyword = rest.len() < segments.len();
        while let Some((name, after)) = rest.split_first() {
            let child = [module.clone(), vec![name.clone()]].concat();
            if self.modules.contains_key(&child) {
                (module, rest) = (child, after);
                continue;
            }
            if let Some((holder, target)) = self.import(&module, name, reexports) {
                let target = [target, after.to_vec()].concat();
                return self.resolve(&holder, &target, reexports.checked_sub(1)?);
            }
            // A name that is neither a child nor an import is an item of the module, or the name of another crate.
            let is_item = has_keyword || module != from;
            return is_item.then(|| (module, rest.to_vec()));
        }
        Some((module, Vec::new()))
    }

    /// Returns the path that a name was imported with, and the module that imports it: this module, or a module
    /// whose names a glob brings in.
    fn import(
        &self,
        module: &[String],
        name: &str,
        reexports: usize,
    ) -> Option<(Vec<String>, Vec<String>)> {
        let located = self.modules.get(module)?;
        // `use name::..` imports from a crate or a child of the same name.
        let import = located
            .module
            .imports
            .iter()
            .find(|(own, path)| own == name && path[0] != name);
        if let Some((_, path)) = import {
            return Some((module.to_vec(), path.clone()));
        }
        located.module.globs.iter().find_map(|glob| {
            let (target, rest) = self.resolve(module, glob, reexports.checked_sub(1)?)?;
            let child = [target.clone(), vec![name.to_owned()]].concat();
            if target == module || !rest.is_empty() {
                None
            } else if self.modules.contains_key(&child) {
                Some((target, vec!["self".to_owned(), name.to_owned()]))
            } else {
                self.import(&target, name, reexports.checked_sub(1)?)
            }
        })
    }
}

/// Applies the keywords at the beginning of a path (`crate`, `self`, `super`) to the module that the path is in. Returns
/// the module that the rest of the path starts from, and the rest.
fn split_keywords<'a>(from: &[String], segments: &'a [String]) -> (Vec<String>, &'a [String]) {
    let mut module = from.to_vec();
    let mut rest = segments;
    while let Some((word, after)) = rest.split_first() {
        match word.as_str() {
            "crate" => module.clear(),
            "super" => drop(module.pop()),
            "self" => {}
            _ => break,
        }
        rest = after;
    }
    (module, rest)
}

/// Returns the path with its keywords replaced: `crate::..` for a path of this crate.
fn absolute(from: &[String], segments: &[String]) -> Vec<String> {
    match split_keywords(from, segments) {
        (_, rest) if rest.len() == segments.len() => segments.to_vec(),
        (module, rest) => [vec!["crate".to_owned()], module, rest.to_vec()].concat(),
    }
}
