//! Tests of schedules.

use super::*;
use crate::plan::{
    schedule::{ScheduleError, Training, check_requirements, schedule},
    state::{ExportState, FolderState, RunState},
};

fn processor(avx512_bf16: bool, amx_bf16: bool) -> Processor {
    Processor {
        name: "Test CPU".to_owned(),
        avx512_bf16,
        amx_bf16,
        cuda: false,
    }
}

/// Returns the states of `teacher`, `student` and `last`.
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
    // An exported teacher is used without its folder.
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
        panic!("a file that differs from the plan is overwritten: {error:?}")
    };
    assert_eq!((run.as_str(), difference.as_str()), ("teacher", "by hand"));
}
