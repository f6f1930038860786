//! What may happen to a run: kills, a full disk, teachers that change, a loss that runs away.

use std::{
    fs,
    path::Path,
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use crate::house::{command, data_set, fails_with, resume, run, succeeds, tensors, text, train};

/// Epochs of three steps, half of them at 24 and half at 48 px.
const BASE: &str = "epochs = 8\nbatch = 4\nseed = 3\nlearning_rate = 0.001\nprecision = \"fp32\"\n\
                    sizes = [{ until = 0.5, side = 24 }, { until = 1.0, side = 48 }]\n";

fn recipe(root: &Path, keys: &str) -> std::path::PathBuf {
    let path = root.join("recipe.toml");
    fs::write(&path, format!("{BASE}{keys}")).unwrap();
    path
}

/// Waits until the run has saved again or is done.
fn wait_for_another(checkpoint: &Path, run: &mut Child) {
    let saved = || fs::metadata(checkpoint).and_then(|file| file.modified()).ok();
    let before = saved();
    while saved() == before && run.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Trains with these keys twice: once undisturbed, once killed again and again. Both must end with the same bits.
fn survives_kills(arch: &str, keys: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (data, recipe) = (data_set(folder.path()), recipe(folder.path(), keys));
    let [whole, killed] = ["whole", "killed"].map(|name| folder.path().join(name));
    succeeds(&train(arch, &data, &recipe, &whole));

    let saved = killed.join("checkpoint.safetensors");
    let mut child = command(&train(arch, &data, &recipe, &killed)).stderr(Stdio::null()).spawn();
    for moment in [0, 7, 1, 13, 4] {
        let mut running = child.unwrap();
        wait_for_another(&saved, &mut running);
        // Wherever it stands then: in a step, in the middle of a file, between two epochs.
        thread::sleep(Duration::from_millis(moment));
        running.kill().unwrap();
        running.wait().unwrap();
        assert!(!tensors(&killed).is_empty(), "the checkpoint is whole");
        child = command(&resume(&killed)).stderr(Stdio::null()).spawn();
    }
    child.unwrap().wait().unwrap();
    succeeds(&resume(&killed));
    let (expected, found) = (tensors(&whole), tensors(&killed));
    assert_eq!(expected.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>());
    for (name, values) in expected {
        assert!(found[&name] == values, "{name} ends elsewhere");
    }
}

#[test]
fn kills_do_not_change_a_run_with_rmsprop_and_mixup() {
    survives_kills(
        "resnet-8-v1",
        "optimizer = \"rmsprop\"\nmixup = 0.4\nl2 = 1e-4\nclass_weights = \"balanced\"\nclip_norm = 1.0\n",
    );
}

#[test]
fn kills_do_not_change_a_run_with_dropout() {
    survives_kills("densenet-12-4-c05-b2", "dropout = 0.2\n");
}

#[test]
fn kills_do_not_change_a_run_with_adamw_and_cutout() {
    survives_kills(
        "resnet-11-v2",
        "optimizer = \"adamw\"\nweight_decay = 0.05\nzero_init_residual = true\nschedule = \"steps\"\n\
         steps = [{ after = 1, factor = 0.1 }]\n[augment]\ncutout = 0.5\n",
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_the_last_checkpoint_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (data, recipe) = (data_set(folder.path()), recipe(folder.path(), ""));
    let [whole, full] = ["whole", "full"].map(|name| folder.path().join(name));
    succeeds(&train("resnet-8-v1", &data, &recipe, &whole));
    let two_steps =
        [train("resnet-8-v1", &data, &recipe, &full), vec!["--max-steps", "2"]].concat();
    assert_eq!(run(&two_steps).status.code(), Some(3));
    let before = fs::read(full.join("checkpoint.safetensors")).unwrap();

    // Whatever is written there, the system answers as a full disk does.
    let partial = full.join("checkpoint.safetensors.partial");
    std::os::unix::fs::symlink("/dev/full", &partial).unwrap();
    fails_with(&resume(&full), &["disk is full", "checkpoint.safetensors.partial", "--resume"]);
    assert!(fs::read(full.join("checkpoint.safetensors")).unwrap() == before);
    assert!(fs::symlink_metadata(&partial).is_err(), "half a file is left behind");
    succeeds(&resume(&full));
    assert!(tensors(&full) == tensors(&whole));
}

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
    let once = recipe(folder.path(), &format!("{both}answers = \"faces\"\n"));
    let [whole, stopped] = ["whole once", "stopped once"].map(|name| folder.path().join(name));
    succeeds(&train("resnet-8-v1", &data, &once, &whole));
    let part = [train("resnet-8-v1", &data, &once, &stopped), vec!["--max-steps", "4"]].concat();
    assert_eq!(run(&part).status.code(), Some(3));
    let rest = run(&resume(&stopped));
    let told = String::from_utf8_lossy(&rest.stderr);
    assert!(rest.status.success() && !told.contains("teachers answer"), "asked again: {told}");
    assert!(tensors(&stopped) == tensors(&whole), "the student taught once ends elsewhere");
    let taught_once = tensors(&whole);
    assert!(taught_once != tensors(&teacher));

    let taught = recipe(folder.path(), &format!("mixup = 0.2\n{both}"));
    let [whole, stopped] = ["whole", "stopped"].map(|name| folder.path().join(name));
    succeeds(&train("resnet-8-v1", &data, &taught, &whole));
    let part = [train("resnet-8-v1", &data, &taught, &stopped), vec!["--max-steps", "4"]].concat();
    assert_eq!(run(&part).status.code(), Some(3));
    succeeds(&resume(&stopped));
    assert!(tensors(&stopped) == tensors(&whole), "the stopped student ends elsewhere");
    assert!(tensors(&whole) != tensors(&teacher) && tensors(&whole) != taught_once);

    let other = folder.path().join("other");
    let part = [train("resnet-8-v1", &data, &taught, &other), vec!["--max-steps", "1"]].concat();
    assert_eq!(run(&part).status.code(), Some(3));
    fs::copy(stopped.join("checkpoint.safetensors"), teacher.join("checkpoint.safetensors"))
        .unwrap();
    fails_with(&resume(&other), &["teacher", "not the one that the run began with"]);
    fs::remove_file(&model).unwrap();
    fails_with(&resume(&other), &["model.onnx", "`distill.teachers`"]);
}

#[test]
fn a_teacher_that_is_added_to_a_run_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (data, plain) = (data_set(folder.path()), recipe(folder.path(), ""));
    let [teacher, student] = ["teacher", "student"].map(|name| folder.path().join(name));
    succeeds(&train("resnet-8-v1", &data, &plain, &teacher));
    let begin = [train("resnet-8-v1", &data, &plain, &student), vec!["--max-steps", "1"]].concat();
    assert_eq!(run(&begin).status.code(), Some(3));
    let edited = fs::read_to_string(student.join("recipe.toml")).unwrap()
        + &format!("\n[distill]\nteachers = [{:?}]\n", text(&teacher));
    fs::write(student.join("recipe.toml"), edited).unwrap();
    fails_with(&resume(&student), &["began with 0 teachers", "names 1", "`distill.teachers`"]);
}

#[test]
fn a_run_that_has_not_ended_teaches_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (data, plain) = (data_set(folder.path()), recipe(folder.path(), ""));
    let [teacher, student] = ["teacher", "student"].map(|name| folder.path().join(name));
    let part = [train("resnet-8-v1", &data, &plain, &teacher), vec!["--max-steps", "4"]].concat();
    assert_eq!(run(&part).status.code(), Some(3));
    let keys = format!("[distill]\nteachers = [{:?}]\n", text(&teacher));
    let taught = recipe(folder.path(), &keys);
    let words = ["teacher", "has finished 1 of 8 epochs", "`distill.teachers`"];
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
    let slow = fs::read_to_string(&still).unwrap().replace("= 0.001", "= 1e-30");
    fs::write(&still, slow).unwrap();
    succeeds(&train("resnet-8-v1", &data, &still, &second));
    let (began, ended) = (tensors(&first), tensors(&second));
    let kernels = |name: &&String| name.starts_with("weights/") && name.ends_with(".weight");
    let names: Vec<&String> = ended.keys().filter(kernels).collect();
    assert!(names.len() >= 8, "{:?}", ended.keys());
    for name in names {
        assert!(ended[name] == began[&name.replace("weights/", "ema/")], "{name}");
    }
    let run_json = fs::read_to_string(second.join("run.json")).unwrap();
    assert!(run_json.contains("\"init\"") && run_json.contains(text(&first)), "{run_json}");

    // Another network, other held-out faces, no run.
    fails_with(&train("resnet-20-v1", &data, &still, &moved), &["resnet-8-v1", "`init`"]);
    let args = [train("resnet-8-v1", &data, &still, &moved), vec!["--seed", "9"]].concat();
    fails_with(&args, &["faces that this run holds out", "holdout 0.5", "`init`"]);
    let all = [train("resnet-8-v1", &data, &still, &moved), vec!["--holdout", "0"]].concat();
    let one_step = [all, vec!["--max-steps", "1"]].concat();
    assert_eq!(run(&one_step).status.code(), Some(3), "where nothing is held out, nothing is told");
    fs::remove_dir_all(&moved).unwrap();
    fs::rename(&first, &moved).unwrap();
    let third = folder.path().join("third");
    fails_with(&train("resnet-8-v1", &data, &still, &third), &["holds no run", "`init`"]);
    assert!(!third.exists());
    // What has begun needs it no more.
    succeeds(&resume(&second));
    let recipe = second.join("recipe.toml");
    let without = fs::read_to_string(&recipe).unwrap().replace("init = ", "# init = ");
    fs::write(&recipe, without).unwrap();
    fails_with(&resume(&second), &["`init`", "put it back"]);
}

#[test]
fn a_run_that_has_not_ended_begins_nobody_and_one_without_a_checkpoint_needs_its_first_weights() {
    let folder = tempfile::tempdir().unwrap();
    let (data, plain) = (data_set(folder.path()), recipe(folder.path(), ""));
    let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
    let part = [train("resnet-8-v1", &data, &plain, &first), vec!["--max-steps", "4"]].concat();
    assert_eq!(run(&part).status.code(), Some(3));
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
    assert!(card.contains("the averaged weights of `") && card.contains(text(&first)), "{card}");
    // Or another run has taken its place meanwhile.
    fs::remove_file(second.join("checkpoint.safetensors")).unwrap();
    fs::remove_dir_all(&first).unwrap();
    let other = recipe(folder.path(), "label_smoothing = 0.2\n");
    succeeds(&train("resnet-8-v1", &data, &other, &first));
    fails_with(&resume(&second), &["`init`", "has changed"]);
}

#[test]
fn a_run_is_not_trained_by_two_processes() {
    let folder = tempfile::tempdir().unwrap();
    let (data, recipe) = (data_set(folder.path()), recipe(folder.path(), ""));
    let [out, lock] = ["run", "run/lock"].map(|name| folder.path().join(name));
    let begin = [train("resnet-8-v1", &data, &recipe, &out), vec!["--max-steps", "1"]].concat();
    assert_eq!(run(&begin).status.code(), Some(3));
    let held = fs::File::open(&lock).unwrap();
    held.lock().unwrap();
    fails_with(&resume(&out), &["another process trains in", text(&out)]);
    drop(held);
    succeeds(&resume(&out));
}

#[test]
fn dropout_is_refused_where_the_network_has_no_place_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (data_set(folder.path()), folder.path().join("run"));
    let recipe = recipe(folder.path(), "dropout = 0.2\n");
    fails_with(&train("resnet-8-v1", &data, &recipe, &out), &["dropout", "resnet-8-v1"]);
    assert!(!out.exists());
}

#[test]
fn a_teacher_that_is_no_network_leaves_no_folder_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (data_set(folder.path()), folder.path().join("run"));
    let broken = folder.path().join("broken.onnx");
    fs::write(&broken, "no network").unwrap();
    let taught = recipe(folder.path(), &format!("[distill]\nteachers = [{:?}]\n", text(&broken)));
    fails_with(&train("resnet-8-v1", &data, &taught, &out), &["broken.onnx", "`distill.teachers`"]);
    assert!(!out.exists());
}

#[test]
fn a_loss_that_runs_away_names_the_optimisers_keys() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (data_set(folder.path()), folder.path().join("run"));
    let hot = folder.path().join("hot.toml");
    let keys = "batch = 4\nlearning_rate = 1e30\nepochs = 8\nwarmup = 0.0\nprecision = \"fp32\"\n\
                optimizer = \"rmsprop\"\nmixup = 0.2\n";
    fs::write(&hot, keys).unwrap();
    fails_with(
        &train("resnet-8-v1", &data, &hot, &out),
        &["the loss is", "step", "`learning_rate`", "`rmsprop.epsilon`"],
    );
}

#[test]
fn one_unreadable_image_in_a_hundred_is_named_and_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let (data, recipe) = (data_set(folder.path()), recipe(folder.path(), ""));
    for copy in 2..16 {
        for class in ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"] {
            let train = data.join("train").join(class);
            fs::copy(train.join("Training_0.png"), train.join(format!("Training_{copy}.png")))
                .unwrap();
        }
    }
    fs::write(data.join("train/sad/Training_9.png"), "no picture").unwrap();
    let out = folder.path().join("run");
    let one_step = [train("resnet-8-v1", &data, &recipe, &out), vec!["--max-steps", "1"]].concat();
    let output = run(&one_step);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("passed over") && told.contains("Training_9.png"), "{told}");
    assert!(told.contains("111 faces"), "{told}");
}

#[test]
fn the_history_tells_how_long_libtorch_waited_for_batches() {
    let folder = tempfile::tempdir().unwrap();
    let (data, recipe) = (data_set(folder.path()), recipe(folder.path(), ""));
    let out = folder.path().join("run");
    succeeds(&train("resnet-8-v1", &data, &recipe, &out));
    let history = fs::read_to_string(out.join("history.csv")).unwrap();
    let mut lines = history.lines();
    let column =
        |name: &str| lines.clone().next().unwrap().split(',').position(|c| c == name).unwrap();
    let (waited, seconds) = (column("waited_seconds"), column("seconds"));
    lines.next();
    for row in lines {
        let cells: Vec<&str> = row.split(',').collect();
        let [waited, seconds] = [waited, seconds].map(|at| cells[at].parse::<f64>().unwrap());
        assert!(waited > 0.0 && waited < seconds, "{row}");
    }
}
