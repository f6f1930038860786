//! Tests of plans and their schedules.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{
    schedule::{ScheduleError, Training, check_requirements, schedule},
    state::{ExportState, FolderState, RunState},
    *,
};

/// Three runs: `student` is taught by `teacher`, and `last` starts with the weights of `student`.
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

fn processor(avx512_bf16: bool, amx_bf16: bool) -> Processor {
    Processor {
        name: "Test CPU".to_owned(),
        avx512_bf16,
        amx_bf16,
        cuda: false,
    }
}

/// The states of `teacher`, `student` and `last`.
fn states(folders: [FolderState; 3], exports: [ExportState; 2]) -> Vec<RunState> {
    let [of_teacher, of_last] = exports;
    let exports = [vec![of_teacher], vec![], vec![of_last]];
    folders
        .into_iter()
        .zip(exports)
        .map(|(folder, exports)| RunState { folder, exports })
        .collect()
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
    let error = plan.only("nobody").unwrap_err().to_string();
    assert!(
        error.contains("`nobody`") && error.contains("student"),
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
    assert!(plan.unwrap_err().to_string().contains("lists no runs"));
}

#[test]
fn unmet_requirements_name_run_feature_and_processor() {
    let (_folder, plan) = read(PLAN);
    let plan = plan.unwrap();
    let missing = [FolderState::Missing; 3];
    let states = states(missing, [ExportState::Missing, ExportState::Missing]);
    let steps = schedule(&plan, &states).unwrap();
    assert_eq!(check_requirements(&steps, &processor(true, true)), Ok(()));
    let error = check_requirements(&steps, &processor(true, false))
        .unwrap_err()
        .to_string();
    for words in [
        "run `last` requires amx_bf16",
        "Test CPU has avx512_bf16 but not amx_bf16",
    ] {
        assert!(error.contains(words), "{error}");
    }
    assert!(!error.contains("`student`"), "{error}");
    let error = check_requirements(&steps, &processor(false, false))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("run `student` requires avx512_bf16, run `last`"),
        "{error}"
    );
}

#[test]
fn finished_runs_have_no_requirements() {
    let (_folder, plan) = read(PLAN);
    let plan = plan.unwrap();
    let finished = [FolderState::Finished; 3];
    let states = states(finished, [ExportState::Current, ExportState::Missing]);
    let steps = schedule(&plan, &states).unwrap();
    assert!(steps.iter().all(|step| step.training == Training::Finished));
    let exports: Vec<_> = steps.iter().map(|step| step.exports.clone()).collect();
    assert_eq!(exports, [vec![], vec![], vec![0]]);
    assert_eq!(check_requirements(&steps, &processor(false, false)), Ok(()));
}

#[test]
fn schedules_train_only_what_is_needed() {
    use FolderState::{Finished, Interrupted, Missing};
    let (_folder, plan) = read(PLAN);
    let plan = plan.unwrap();
    let training = |folders, exports| {
        let steps = schedule(&plan, &states(folders, exports)).unwrap();
        steps.iter().map(|step| step.training).collect::<Vec<_>>()
    };
    let [none, current] = [ExportState::Missing, ExportState::Current];
    // The exported teacher teaches without its folder.
    assert_eq!(
        training(
            [Missing, Interrupted { epochs: 3 }, Missing],
            [current.clone(), none.clone()]
        ),
        [
            Training::Exported,
            Training::Resume { epochs: 3 },
            Training::Start
        ]
    );
    assert_eq!(
        training(
            [Missing, Missing, Missing],
            [current.clone(), current.clone()]
        ),
        [Training::Exported, Training::NotNeeded, Training::Exported]
    );
    assert_eq!(
        training([Missing, Missing, Finished], [none.clone(), none.clone()]),
        [Training::Start, Training::NotNeeded, Training::Finished]
    );
    let error = schedule(
        &plan,
        &states(
            [Missing; 3],
            [ExportState::Differs("by hand".to_owned()), current],
        ),
    );
    let Err(ScheduleError::Overwrite {
        run, difference, ..
    }) = error
    else {
        panic!("a foreign file is overwritten: {error:?}")
    };
    assert_eq!((run.as_str(), difference.as_str()), ("teacher", "by hand"));
}

#[test]
fn shipped_plan_makes_every_shipped_model() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let plan = Plan::read(&repository.join("training/plan.toml")).unwrap();
    let exports = plan.runs().iter().flat_map(|run| &run.exports);
    let planned: BTreeSet<PathBuf> = exports.map(|export| export.path.clone()).collect();
    let mut shipped = BTreeSet::new();
    for model in fs::read_dir(repository.join("models"))
        .unwrap()
        .map(|model| model.unwrap())
    {
        let versions = fs::read_dir(model.path()).into_iter().flatten();
        for version in versions.map(|version| version.unwrap()) {
            if version.path().join("model.onnx").exists() {
                let names = ["models".into(), model.file_name(), version.file_name()];
                shipped.insert(names.iter().collect::<PathBuf>().join("model.onnx"));
            }
        }
    }
    assert!(shipped.len() >= 5);
    assert_eq!(planned, shipped);
}

#[test]
fn shipped_models_have_the_recipes_of_the_shipped_plan() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let plan = Plan::read(&repository.join("training/plan.toml")).unwrap();
    // A root without runs, so that the files alone are compared.
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(repository.join("models"), folder.path().join("models")).unwrap();
    let layout = Layout::new(folder.path().to_owned());
    for run in plan.runs() {
        let data = run.exports.first().map(|export| {
            crate::export::Origin::read(&layout.model(&export.path))
                .unwrap()
                .data_sha256
        });
        let state = state::inspect(run, &layout, &data.unwrap_or_default()).unwrap();
        for (export, state) in run.exports.iter().zip(state.exports) {
            assert_eq!(state, ExportState::Current, "{}", export.path.display());
        }
    }
}
