//! Tests of plan files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::*;

mod ensemble;
mod int8;
mod schedule;
mod shipped;

/// Three runs: `student` has the teacher `teacher`, and `last` starts with the weights of `student`.
const PLAN: &str = r#"
[[run]]
name = "last"
arch = "resnet-8-v1"
recipe = "last.toml"
init = "student"
requires = "amx_bf16"
exports = [{ path = "models/last/1/model.onnx", precise_bn = true }]

[[run]]
name = "student"
arch = "resnet-8-v1"
recipe = "student.toml"
teachers = ["teacher"]
requires = "avx512_bf16"

[[run]]
name = "teacher"
arch = "resnet-8-v1"
recipe = "teacher.toml"
overrides = { seed = 9, augment = { flip = 0.25 } }
exports = [{ path = "models/teacher/1/model.onnx" }]
"#;

/// Writes a plan with the recipes that [`PLAN`] names, and reads it.
fn read(text: &str) -> (TempDir, Result<Plan, PlanError>) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("teacher.toml", "epochs = 2\n");
    write(
        "student.toml",
        "[distill]\nteachers = [\"./models/teacher/1/model.onnx\"]\n",
    );
    write("last.toml", "init = \"runs/student\"\n");
    write("plan.toml", text);
    let plan = Plan::read(&folder.path().join("plan.toml"));
    (folder, plan)
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.runs().iter().map(|run| run.name.as_str()).collect()
}

#[test]
fn runs_follow_their_dependencies() {
    let (_folder, plan) = read(PLAN);
    let plan = plan.unwrap();
    assert_eq!(names(&plan), ["teacher", "student", "last"]);
    assert_eq!(
        names(&plan.only("student").unwrap()),
        ["teacher", "student"]
    );
    assert_eq!(names(&plan.only("teacher").unwrap()), ["teacher"]);
    let error = plan.only("absent").unwrap_err().to_string();
    assert!(
        error.contains("`absent`") && error.contains("student"),
        "{error}"
    );
}

#[test]
fn overrides_replace_recipe_keys() {
    let (_folder, plan) = read(PLAN);
    let plan = plan.unwrap();
    let recipe = &plan.runs()[0].recipe;
    assert_eq!(
        (recipe.seed, recipe.epochs, recipe.augment.flip),
        (9, 2, 0.25)
    );
    assert_eq!(recipe.augment.rotation, Recipe::default().augment.rotation);
}

#[test]
fn recipe_paths_are_placed_below_the_root() {
    let (_folder, plan) = read(PLAN);
    let plan = plan.unwrap();
    let layout = Layout::new("elsewhere".into());
    let init = layout.recipe(&plan.runs()[2]).init;
    assert_eq!(init, Some(PathBuf::from("elsewhere/runs/student")));
    let teachers = layout.recipe(&plan.runs()[1]).distill.unwrap().teachers;
    assert_eq!(
        teachers,
        [PathBuf::from("elsewhere/models/teacher/1/model.onnx")]
    );
}

#[test]
fn mistakes_in_plans_are_errors_with_names() {
    for (from, to, words) in [
        (
            "name = \"student\"",
            "name = \"teacher\"",
            &["`teacher`", "two runs"][..],
        ),
        (
            "name = \"student\"",
            "name = \"../student\"",
            &["`../student`", "letters"],
        ),
        (
            "init = \"student\"",
            "init = \"studnt\"",
            &["`last`", "`init`", "`studnt`", "student"],
        ),
        (
            "teachers = [\"teacher\"]",
            "teachers = [\"last\"]",
            &["cycle: last -> student -> last"],
        ),
        ("student.toml", "absent.toml", &["`student`", "absent.toml"]),
        (
            "teachers = [\"teacher\"]\n",
            "",
            &["`student`", "model.onnx", "add `teacher` there"],
        ),
        (
            "last.toml",
            "student.toml",
            &["`last`", "`distill.teachers`", "add `teacher` there"],
        ),
        (
            "student.toml",
            "teacher.toml",
            &["`student`", "`teacher`", "runs/teacher"],
        ),
        ("seed = 9", "sed = 9", &["`teacher`", "`overrides`", "sed"]),
        ("seed = 9", "ema = 2.0", &["`teacher`", "`ema`"]),
        ("resnet-8-v1", "resnet-9-v1", &["resnet-9-v1"]),
        ("amx_bf16", "amx", &["plan.toml", "amx_bf16"]),
        (
            "models/last/1",
            "../last/1",
            &["`last`", "../last/1/model.onnx"],
        ),
        (
            "models/last/1",
            "models/teacher/1",
            &["`teacher`", "`last`", "models/teacher/1"],
        ),
        ("requires", "require", &["plan.toml", "require"]),
    ] {
        let (_folder, plan) = read(&PLAN.replace(from, to));
        let error = plan.expect_err(to).to_string();
        for word in words {
            assert!(error.contains(word), "{to}: `{word}` is not in: {error}");
        }
    }
    let (_folder, plan) = read("");
    assert!(
        plan.unwrap_err()
            .to_string()
            .contains("does not list a run")
    );
}
