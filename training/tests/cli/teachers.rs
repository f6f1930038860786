//! Runs with teachers and with initial weights of another run.

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
fn init_starts_with_averaged_weights_of_other_run() {
    let folder = tempfile::tempdir().unwrap();
    let held_out = recipe(folder.path(), "holdout = 0.5\n");
    let data = data_set(folder.path());
    let [first, second, moved] = ["first", "second", "moved"].map(|name| folder.path().join(name));
    succeeds(&train("resnet-8-v1", &data, &held_out, &first));
    let keys = format!("init = {:?}\n", text(&first));
    // With this learning rate no float32 weight changes.
    let still = recipe(folder.path(), &format!("{keys}holdout = 0.5\n"));
    let slow = fs::read_to_string(&still)
        .unwrap()
        .replace("= 0.001", "= 1e-30");
    fs::write(&still, slow).unwrap();
    succeeds(&train("resnet-8-v1", &data, &still, &second));
    let (initial, last) = (tensors(&first), tensors(&second));
    let kernels = |name: &&String| name.starts_with("weights/") && name.ends_with(".weight");
    let names: Vec<&String> = last.keys().filter(kernels).collect();
    assert!(names.len() >= 8, "{:?}", last.keys());
    for name in names {
        assert!(
            last[name] == initial[&name.replace("weights/", "ema/")],
            "{name}"
        );
    }
    let run_json = fs::read_to_string(second.join("run.json")).unwrap();
    assert!(
        run_json.contains("\"init\"") && run_json.contains(text(&first)),
        "{run_json}"
    );

    // Errors: another network, other held-out faces, no run.
    fails_with(
        &train("resnet-20-v1", &data, &still, &moved),
        &["resnet-8-v1", "`init`"],
    );
    let args = [
        train("resnet-8-v1", &data, &still, &moved),
        vec!["--seed", "9"],
    ]
    .concat();
    fails_with(
        &args,
        &["faces that this run holds out", "holdout 0.5", "`init`"],
    );
    let all = [
        train("resnet-8-v1", &data, &still, &moved),
        vec!["--holdout", "0"],
    ]
    .concat();
    stops_after("1", &all);
    fs::remove_dir_all(&moved).unwrap();
    fs::rename(&first, &moved).unwrap();
    let third = folder.path().join("third");
    fails_with(
        &train("resnet-8-v1", &data, &still, &third),
        &["does not contain a run", "`init`"],
    );
    assert!(!third.exists());
    // A run with a checkpoint no longer needs the other run.
    succeeds(&resume(&second));
    let recipe = second.join("recipe.toml");
    let without = fs::read_to_string(&recipe)
        .unwrap()
        .replace("init = ", "# init = ");
    fs::write(&recipe, without).unwrap();
    fails_with(&resume(&second), &["`init`", "restore it"]);
}

#[test]
fn init_rejects_unfinished_run() {
    let folder = tempfile::tempdir().unwrap();
    let (data, plain) = (data_set(folder.path()), recipe(folder.path(), ""));
    let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
    stops_after("4", &train("resnet-8-v1", &data, &plain, &first));
    let with_init = recipe(folder.path(), &format!("init = {:?}\n", text(&first)));
    fails_with(
        &train("resnet-8-v1", &data, &with_init, &second),
        &["has finished 1 of 8 epochs", "`init`"],
    );
    assert!(!second.exists());
}

#[test]
fn resume_without_checkpoint_requires_init_weights() {
    let folder = tempfile::tempdir().unwrap();
    let (data, plain) = (data_set(folder.path()), recipe(folder.path(), ""));
    let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
    succeeds(&train("resnet-8-v1", &data, &plain, &first));
    let with_init = recipe(folder.path(), &format!("init = {:?}\n", text(&first)));
    succeeds(&train("resnet-8-v1", &data, &with_init, &second));
    let whole = tensors(&second);
    // The state after a process was killed before its first checkpoint.
    fs::remove_file(second.join("checkpoint.safetensors")).unwrap();
    succeeds(&resume(&second));
    assert!(tensors(&second) == whole);
    let model = folder.path().join("model.onnx");
    succeeds(&["export", text(&second), "--out", text(&model)]);
    let card = fs::read_to_string(folder.path().join("README.md")).unwrap();
    assert!(
        card.contains("the averaged weights of `") && card.contains(text(&first)),
        "{card}"
    );
    // Another run has replaced the one that `init` names.
    fs::remove_file(second.join("checkpoint.safetensors")).unwrap();
    fs::remove_dir_all(&first).unwrap();
    let other = recipe(folder.path(), "label_smoothing = 0.2\n");
    succeeds(&train("resnet-8-v1", &data, &other, &first));
    fails_with(&resume(&second), &["`init`", "has changed"]);
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
