//! What a run builds on: teachers, and another run's weights to begin with.

use std::fs;

use tch::Tensor;

use crate::house::{
    data_set, fails_with, recipe_with as recipe, resume, run, stops_after, succeeds, tensors, text,
    train,
};

#[test]
fn students_learn_from_runs_and_model_files_and_notice_another_teacher() {
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
    let once = recipe(
        folder.path(),
        &format!("mixup = 0.2\n{both}targets = \"cached\"\n"),
    );
    let [whole, stopped] = ["whole once", "stopped once"].map(|name| folder.path().join(name));
    succeeds(&train("resnet-8-v1", &data, &once, &whole));
    stops_after("4", &train("resnet-8-v1", &data, &once, &stopped));
    let rest = run(&resume(&stopped));
    let told = String::from_utf8_lossy(&rest.stderr);
    assert!(
        rest.status.success() && !told.contains("computing teacher outputs"),
        "asked again: {told}"
    );
    assert!(
        tensors(&stopped) == tensors(&whole),
        "the student taught once ends elsewhere"
    );
    let taught_once = tensors(&whole);
    assert!(taught_once != tensors(&teacher));

    let taught = recipe(folder.path(), &format!("mixup = 0.2\n{both}"));
    let [whole, stopped] = ["whole", "stopped"].map(|name| folder.path().join(name));
    succeeds(&train("resnet-8-v1", &data, &taught, &whole));
    stops_after("4", &train("resnet-8-v1", &data, &taught, &stopped));
    succeeds(&resume(&stopped));
    assert!(
        tensors(&stopped) == tensors(&whole),
        "the stopped student ends elsewhere"
    );
    assert!(tensors(&whole) != tensors(&teacher) && tensors(&whole) != taught_once);

    let other = folder.path().join("other");
    stops_after("1", &train("resnet-8-v1", &data, &taught, &other));
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
        let taught = recipe(
            folder.path(),
            &format!("[distill]\ntargets = \"cached\"\n{keys}\n"),
        );
        let out = folder.path().join(name);
        stops_after("1", &train("resnet-8-v1", &data, &taught, &out));
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
fn a_teacher_that_is_added_to_a_run_is_noticed() {
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
fn a_run_that_has_not_ended_teaches_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (data, plain) = (data_set(folder.path()), recipe(folder.path(), ""));
    let [teacher, student] = ["teacher", "student"].map(|name| folder.path().join(name));
    stops_after("4", &train("resnet-8-v1", &data, &plain, &teacher));
    let keys = format!("[distill]\nteachers = [{:?}]\n", text(&teacher));
    let taught = recipe(folder.path(), &keys);
    let words = [
        "teacher",
        "has finished 1 of 8 epochs",
        "`distill.teachers`",
    ];
    fails_with(&train("resnet-8-v1", &data, &taught, &student), &words);
    assert!(!student.exists());
}

#[test]
fn a_run_begins_with_the_averaged_weights_of_the_one_that_init_names() {
    let folder = tempfile::tempdir().unwrap();
    let held_out = recipe(folder.path(), "holdout = 0.5\n");
    let data = data_set(folder.path());
    let [first, second, moved] = ["first", "second", "moved"].map(|name| folder.path().join(name));
    succeeds(&train("resnet-8-v1", &data, &held_out, &first));
    let keys = format!("init = {:?}\n", text(&first));
    // A rate at which no 32-bit weight moves.
    let still = recipe(folder.path(), &format!("{keys}holdout = 0.5\n"));
    let slow = fs::read_to_string(&still)
        .unwrap()
        .replace("= 0.001", "= 1e-30");
    fs::write(&still, slow).unwrap();
    succeeds(&train("resnet-8-v1", &data, &still, &second));
    let (began, ended) = (tensors(&first), tensors(&second));
    let kernels = |name: &&String| name.starts_with("weights/") && name.ends_with(".weight");
    let names: Vec<&String> = ended.keys().filter(kernels).collect();
    assert!(names.len() >= 8, "{:?}", ended.keys());
    for name in names {
        assert!(
            ended[name] == began[&name.replace("weights/", "ema/")],
            "{name}"
        );
    }
    let run_json = fs::read_to_string(second.join("run.json")).unwrap();
    assert!(
        run_json.contains("\"init\"") && run_json.contains(text(&first)),
        "{run_json}"
    );

    // Another network, other held-out faces, no run.
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
    // What has begun needs it no more.
    succeeds(&resume(&second));
    let recipe = second.join("recipe.toml");
    let without = fs::read_to_string(&recipe)
        .unwrap()
        .replace("init = ", "# init = ");
    fs::write(&recipe, without).unwrap();
    fails_with(&resume(&second), &["`init`", "restore it"]);
}

#[test]
fn a_run_that_has_not_ended_begins_nobody_and_one_without_a_checkpoint_needs_its_first_weights() {
    let folder = tempfile::tempdir().unwrap();
    let (data, plain) = (data_set(folder.path()), recipe(folder.path(), ""));
    let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
    stops_after("4", &train("resnet-8-v1", &data, &plain, &first));
    let begun = recipe(folder.path(), &format!("init = {:?}\n", text(&first)));
    let begin = train("resnet-8-v1", &data, &begun, &second);
    fails_with(&begin, &["has finished 1 of 8 epochs", "`init`"]);
    assert!(!second.exists());
    succeeds(&resume(&first));
    succeeds(&begin);
    let whole = tensors(&second);
    // As a process leaves it that is killed before its first checkpoint.
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
    // Or another run has taken its place meanwhile.
    fs::remove_file(second.join("checkpoint.safetensors")).unwrap();
    fs::remove_dir_all(&first).unwrap();
    let other = recipe(folder.path(), "label_smoothing = 0.2\n");
    succeeds(&train("resnet-8-v1", &data, &other, &first));
    fails_with(&resume(&second), &["`init`", "has changed"]);
}

#[test]
fn a_teacher_that_is_no_network_leaves_no_folder_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (data_set(folder.path()), folder.path().join("run"));
    let broken = folder.path().join("broken.onnx");
    fs::write(&broken, "no network").unwrap();
    let taught = recipe(
        folder.path(),
        &format!("[distill]\nteachers = [{:?}]\n", text(&broken)),
    );
    fails_with(
        &train("resnet-8-v1", &data, &taught, &out),
        &["broken.onnx", "`distill.teachers`"],
    );
    assert!(!out.exists());
}
