//! The checks before a plan starts, and dry runs.

use std::fs;

use super::{Fixture, PLAN, progress};
use crate::common::{fails_with, succeeds};

#[test]
fn invalid_plan_starts_no_run() {
    let fixture = Fixture::new(&PLAN.replace("teacher.toml", "absent.toml"));
    let root = fixture.path("root");
    fails_with(&fixture.args(&root), &["`teacher`", "absent.toml"]);
    let cycle = "name = \"teacher\"\nteachers = [\"student\"]\n";
    fs::write(&fixture.plan, PLAN.replace("name = \"teacher\"\n", cycle)).unwrap();
    fails_with(
        &fixture.args(&root),
        &["cycle: student -> teacher -> student"],
    );
    fs::write(&fixture.plan, PLAN).unwrap();
    let unknown = [fixture.args(&root), vec!["--only", "absent"]].concat();
    fails_with(&unknown, &["`absent`", "student"]);
    assert!(!root.exists(), "an error creates no folder");
}

#[test]
fn mismatching_folders_and_files_are_rejected() {
    let fixture = Fixture::new(PLAN);
    let root = fixture.path("root");
    let teacher = [fixture.args(&root), vec!["--only", "teacher"]].concat();
    progress(&teacher);
    assert!(!root.join("runs/student").exists());
    let recipe = fs::read_to_string(fixture.path("teacher.toml")).unwrap();
    fs::write(
        fixture.path("teacher.toml"),
        recipe.replace("epochs = 8", "epochs = 9"),
    )
    .unwrap();
    let words = ["runs/teacher", "`epochs` is 8 there, but 9 in the plan"];
    fails_with(&fixture.args(&root), &words);
    fs::remove_dir_all(root.join("runs/teacher")).unwrap();
    let words = [
        "would overwrite models/teacher/1/model.onnx",
        "`epochs`",
        "--root",
    ];
    fails_with(&fixture.args(&root), &words);
}

#[test]
fn dry_run_shows_the_schedule_and_writes_nothing() {
    let fixture = Fixture::new(PLAN);
    let root = fixture.path("root");
    let dry = [fixture.args(&root), vec!["--dry-run"]].concat();
    let message = succeeds(&dry);
    for words in [
        "[1/2] teacher (resnet-8-v1): train 8 epochs; export to models/teacher/1/model.onnx",
        "[2/2] student (resnet-8-v1): train 8 epochs",
        "meets all requirements",
    ] {
        assert!(message.contains(words), "`{words}` is not in {message}");
    }
    assert!(!root.exists());
}
