//! Runs with teachers.

use std::fs;

use tch::Tensor;

use crate::common::{
    data_set, fails_with, recipe_with as recipe, resume, run, stops_after, succeeds, tensors, text,
    train,
};

#[test]
fn distilled_runs_resume_and_reject_changed_teachers() {
    let folder = tempfile::tempdir().unwrap();
    let (data, plain) = (data_set(folder.path()), recipe(folder.path(), ""));
    let teacher = folder.path().join("teacher");
    let model = folder.path().join("models/teacher/1/model.onnx");
    succeeds(&train("resnet-8-v1", &data, &plain, &teacher));
    succeeds(&["export", text(&teacher), "--out", text(&model)]);

    let both = format!(
        "[distill]\nteachers = [{:?}, {:?}]\nweight = 0.7\ntemperature = 3.0\n",
        text(&teacher),
        text(&model)
    );
    let cached = recipe(
        folder.path(),
        &format!("mixup = 0.2\n{both}targets = \"cached\"\n"),
    );
    let [whole, stopped] = ["whole cached", "stopped cached"].map(|name| folder.path().join(name));
    succeeds(&train("resnet-8-v1", &data, &cached, &whole));
    stops_after("4", &train("resnet-8-v1", &data, &cached, &stopped));
    let rest = run(&resume(&stopped));
    let message = String::from_utf8_lossy(&rest.stderr);
    assert!(
        rest.status.success() && !message.contains("computing teacher outputs"),
        "the teachers ran again: {message}"
    );
    assert!(
        tensors(&stopped) == tensors(&whole),
        "the stopped student with cached targets has other weights"
    );
    let cached_targets = tensors(&whole);
    assert!(cached_targets != tensors(&teacher));

    let distilled = recipe(folder.path(), &format!("mixup = 0.2\n{both}"));
    let [whole, stopped] = ["whole", "stopped"].map(|name| folder.path().join(name));
    succeeds(&train("resnet-8-v1", &data, &distilled, &whole));
    stops_after("4", &train("resnet-8-v1", &data, &distilled, &stopped));
    succeeds(&resume(&stopped));
    assert!(
        tensors(&stopped) == tensors(&whole),
        "the stopped student has other weights"
    );
    assert!(tensors(&whole) != tensors(&teacher) && tensors(&whole) != cached_targets);

    let other = folder.path().join("other");
    stops_after("1", &train("resnet-8-v1", &data, &distilled, &other));
    fs::copy(
        stopped.join("checkpoint.safetensors"),
        teacher.join("checkpoint.safetensors"),
    )
    .unwrap();
    fails_with(
        &resume(&other),
        &["teacher", "not the one that the run started with"],
    );
    fs::remove_file(&model).unwrap();
    fails_with(&resume(&other), &["model.onnx", "`distill.teachers`"]);
}

#[test]
fn teacher_weights_set_shares_of_cached_outputs() {
    let folder = tempfile::tempdir().unwrap();
    let (data, plain) = (data_set(folder.path()), recipe(folder.path(), ""));
    let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
    succeeds(&train("resnet-8-v1", &data, &plain, &first));
    succeeds(
        &[
            train("resnet-8-v1", &data, &plain, &second),
            vec!["--seed", "5"],
        ]
        .concat(),
    );
    let (first, second) = (text(&first), text(&second));
    let cached = |name: &str, keys: &str| {
        let distilled = recipe(
            folder.path(),
            &format!("[distill]\ntargets = \"cached\"\n{keys}\n"),
        );
        let out = folder.path().join(name);
        stops_after("1", &train("resnet-8-v1", &data, &distilled, &out));
        let tensors = Tensor::read_safetensors(out.join("answers.safetensors")).unwrap();
        tensors
            .into_iter()
            .find(|(name, _)| name == "answers")
            .unwrap()
            .1
    };
    let alone = [("alone-1", first), ("alone-2", second)]
        .map(|(name, teacher)| cached(name, &format!("teachers = [{teacher:?}]")));
    let weighted = format!("teachers = [{first:?}, {second:?}]\nteacher_weights = [3.0, 1.0]");
    let expected = &alone[0] * 0.75 + &alone[1] * 0.25;
    assert!(
        !alone[0].allclose(&alone[1], 0.0, 1e-3, false),
        "the teachers agree"
    );
    assert!(cached("weighted", &weighted).allclose(&expected, 0.0, 1e-6, false));
}

#[test]
fn resume_rejects_added_teacher() {
    let folder = tempfile::tempdir().unwrap();
    let (data, plain) = (data_set(folder.path()), recipe(folder.path(), ""));
    let [teacher, student] = ["teacher", "student"].map(|name| folder.path().join(name));
    succeeds(&train("resnet-8-v1", &data, &plain, &teacher));
    stops_after("1", &train("resnet-8-v1", &data, &plain, &student));
    let edited = fs::read_to_string(student.join("recipe.toml")).unwrap()
        + &format!("\n[distill]\nteachers = [{:?}]\n", text(&teacher));
    fs::write(student.join("recipe.toml"), edited).unwrap();
    fails_with(
        &resume(&student),
        &["started with 0 teachers", "names 1", "`distill.teachers`"],
    );
}

#[test]
fn unfinished_run_cannot_be_teacher() {
    let folder = tempfile::tempdir().unwrap();
    let (data, plain) = (data_set(folder.path()), recipe(folder.path(), ""));
    let [teacher, student] = ["teacher", "student"].map(|name| folder.path().join(name));
    stops_after("4", &train("resnet-8-v1", &data, &plain, &teacher));
    let keys = format!("[distill]\nteachers = [{:?}]\n", text(&teacher));
    let distilled = recipe(folder.path(), &keys);
    let words = [
        "teacher",
        "has finished 1 of 8 epochs",
        "`distill.teachers`",
    ];
    fails_with(&train("resnet-8-v1", &data, &distilled, &student), &words);
    assert!(!student.exists());
}

#[test]
fn invalid_teacher_file_creates_no_run_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (data_set(folder.path()), folder.path().join("run"));
    let broken = folder.path().join("broken.onnx");
    fs::write(&broken, "not a model").unwrap();
    let distilled = recipe(
        folder.path(),
        &format!("[distill]\nteachers = [{:?}]\n", text(&broken)),
    );
    fails_with(
        &train("resnet-8-v1", &data, &distilled, &out),
        &["broken.onnx", "`distill.teachers`"],
    );
    assert!(!out.exists());
}
