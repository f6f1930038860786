//! Ensembles of a plan.

use std::fs;

use super::{Fixture, PLAN, progress};
use crate::common::{fails_with, succeeds};

#[test]
fn ensemble_is_written_unless_current() {
    let ensemble = "[[ensemble]]\ncandidates = [\"teacher@1\", \"teacher@2\"]\npath = \"models/both/1\"\nmin_faces = 1\n";
    let fixture = Fixture::new(&format!("{PLAN}\n{ensemble}"));
    let root = fixture.path("root");
    let teacher = [fixture.args(&root), vec!["--only", "teacher"]].concat();
    let dry_run = [&teacher[..], &["--dry-run"]].concat();
    let step = "choose the ensemble models/both/1 among teacher@1, teacher@2";
    assert!(succeeds(&dry_run).contains(step));
    assert!(progress(&teacher).contains("models/both/1; "));

    let manifest = fs::read_to_string(root.join("models/both/1/mien.toml")).unwrap();
    assert!(manifest.contains("members = [\"teacher@"), "{manifest}");
    assert!(!succeeds(&dry_run).contains(step));
    assert!(!progress(&teacher).contains("wrote"));

    // A version that was chosen among other files is not overwritten.
    let changed = fs::read_to_string(&fixture.plan).unwrap();
    let changed = changed.replace("[\"teacher@1\", \"teacher@2\"]", "[\"teacher@1\"]");
    fs::write(&fixture.plan, changed).unwrap();
    fails_with(&teacher, &["models/both/1", "name a new version"]);
}
