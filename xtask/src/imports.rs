//! Checks the imports between modules and files against ARCHITECTURE.md.

use std::path::Path;

use anyhow::{Result, bail, ensure};
use module_tree::ModuleTree;
use rules::RULES;

use crate::workspace::cargo;

mod cycles;
mod module_tree;
mod rule;
mod rules;
mod source;

/// Root files of the checked crates.
const CRATES: &[&str] = &[
    "bench/hostile/src/main.rs",
    "bench/loadgen/src/lib.rs",
    "e2e/src/lib.rs",
    "faces/src/lib.rs",
    "host/src/lib.rs",
    "src/lib.rs",
    "src/main.rs",
    "tests/api/main.rs",
    "training/src/lib.rs",
    "training/src/main.rs",
    "training/tests/cli/main.rs",
    "xtask/src/main.rs",
];

/// Checks the rules and the absence of cycles over the sources below `root`.
///
/// # Errors
/// Returns an error that lists all lines that break a rule, or all cycles.
pub(crate) fn check(root: &Path) -> Result<()> {
    let missing: Vec<_> = RULES
        .iter()
        .flat_map(|rule| rule.missing_modules(root))
        .collect();
    ensure!(
        missing.is_empty(),
        "import rules for missing modules: {}",
        missing.join(", ")
    );
    check_crates(root, CRATES)
}

fn check_crates(root: &Path, crates: &[&str]) -> Result<()> {
    let (mut broken, mut found) = (Vec::new(), Vec::new());
    for crate_root in crates {
        let tree = ModuleTree::read(root, Path::new(crate_root))?;
        for rule in RULES {
            broken.extend(rule.violations(&tree));
        }
        found.extend(cycles::cycles(&tree.edges()));
    }
    ensure!(
        broken.is_empty(),
        "imports that ARCHITECTURE.md forbids:\n{}",
        broken.join("\n")
    );
    ensure!(found.is_empty(), "import cycles:\n{}", found.join("\n"));
    Ok(())
}

/// Checks that the server's build needs neither libtorch nor the trainer, over all of its dependencies.
///
/// # Errors
/// Returns an error that names the forbidden package.
pub(crate) fn check_server_dependencies() -> Result<()> {
    let mut tree = cargo(&[
        "tree",
        "--locked",
        "--package",
        "mien",
        "--edges",
        "normal,build",
    ]);
    let output = tree
        .args(["--prefix", "none", "--format", "{p}"])
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let packages = String::from_utf8_lossy(&output.stdout);
    match trainer_dependency(&packages) {
        Some(package) => bail!("the server must not depend on {package}"),
        None => Ok(()),
    }
}

/// Returns the first line of a `cargo tree` that names a package of the trainer.
fn trainer_dependency(packages: &str) -> Option<&str> {
    packages.lines().find(|line| {
        let name = line.split(' ').next().unwrap_or_default();
        ["tch", "torch-sys", "mien-training"].contains(&name)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn checkout(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn checkout_follows_rules() {
        check(&crate::workspace::root()).unwrap();
    }

    #[test]
    fn trainer_dependency_is_found_by_package_name() {
        assert_eq!(
            trainer_dependency("mien v0.1.0\nort v2.0.0\npitch v1.0.0"),
            None
        );
        assert_eq!(
            trainer_dependency("mien v0.1.0\ntch v0.26.0"),
            Some("tch v0.26.0")
        );
    }

    #[test]
    fn forbidden_import_is_reported_with_file_and_line() {
        let root = checkout(&[
            ("training/src/lib.rs", "mod arch;"),
            ("training/src/arch.rs", "mod op;"),
            (
                "training/src/arch/op.rs",
                "// use tch::Tensor;\nuse std::{\n  fs,\n};\nuse tch::Tensor;",
            ),
        ]);
        let error = check_crates(root.path(), &["training/src/lib.rs"])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("training/src/arch/op.rs:5: arch "),
            "{error}"
        );
        assert_eq!(error.lines().count(), 2, "{error}");
    }

    #[test]
    fn cycle_through_reexport_is_reported() {
        let root = checkout(&[
            ("faces/src/lib.rs", "mod a; mod b; mod c;"),
            ("faces/src/a.rs", "pub use inner::A; mod inner;"),
            ("faces/src/a/inner.rs", "pub struct A(crate::b::B);"),
            (
                "faces/src/b.rs",
                "pub struct B;\n#[cfg(test)] mod tests { use crate::a::A; }",
            ),
            ("faces/src/c.rs", "use crate::{a, b::B}; fn f(_: a::A) {}"),
        ]);
        let error = check_crates(root.path(), &["faces/src/lib.rs"])
            .unwrap_err()
            .to_string();
        let expected = "import cycles:\n2 files import each other:\
            \n  faces/src/a/inner.rs:1 uses faces/src/b.rs\
            \n  faces/src/b.rs:2 uses faces/src/a/inner.rs";
        assert_eq!(error, expected);
    }

    #[test]
    fn use_of_parent_items_is_not_a_cycle() {
        let root = checkout(&[
            ("faces/src/lib.rs", "mod a;"),
            ("faces/src/a.rs", "mod b; pub struct A; fn f() { b::g(A) }"),
            ("faces/src/a/b.rs", "use super::*; pub fn g(_: A) {}"),
        ]);
        check_crates(root.path(), &["faces/src/lib.rs"]).unwrap();
    }
}
