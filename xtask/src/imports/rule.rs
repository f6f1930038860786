//! A rule: paths that a module must not use.

use std::path::Path;

use super::module_tree::ModuleTree;

/// Forbids paths in a module and its submodules.
pub(super) struct Rule {
    /// File of the module without `.rs`.
    pub(super) module: &'static str,
    /// Modules below it that the rule does not apply to.
    pub(super) except: &'static [&'static str],
    /// Beginnings of the forbidden paths. A `*` at the end of a crate's name matches all crates of a family.
    pub(super) forbidden: &'static [&'static str],
    pub(super) why: &'static str,
}

impl Rule {
    /// Returns the modules that the rule names and that do not exist, for example after a renaming.
    pub(super) fn missing_modules(&self, root: &Path) -> impl Iterator<Item = &'static str> {
        let named = std::iter::once(&self.module).chain(self.except);
        named.copied().filter(|module| {
            let path = root.join(module);
            !path.is_dir() && !path.with_extension("rs").is_file()
        })
    }

    /// Returns a message for each line that breaks the rule.
    pub(super) fn violations(&self, tree: &ModuleTree) -> Vec<String> {
        let mut messages = Vec::new();
        for (file, line, path) in tree.absolute_paths() {
            let applies = is_in_module(file, self.module)
                && !self.except.iter().any(|except| is_in_module(file, except));
            if applies
                && self
                    .forbidden
                    .iter()
                    .any(|forbidden| begins_with(&path, forbidden))
            {
                messages.push(format!("{}:{line}: {}", file.display(), self.why));
            }
        }
        messages.dedup();
        messages
    }
}

/// Whether the file is the module's own or that of a submodule.
fn is_in_module(file: &Path, module: &str) -> bool {
    file.starts_with(module) || file == Path::new(&format!("{module}.rs"))
}

fn begins_with(path: &[String], forbidden: &str) -> bool {
    let mut segments = path.iter();
    forbidden.split("::").all(|expected| {
        segments
            .next()
            .is_some_and(|segment| match expected.strip_suffix('*') {
                Some(family) => segment.starts_with(family),
                None => segment == expected,
            })
    })
}
