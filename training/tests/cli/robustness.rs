//! Runs with a full disk, a second process, unreadable images and a diverging loss.

use std::{ffi::OsString, fs, process::Command};

use crate::common::{
    CLASSES, command, data_set, fails_with, recipe_with as recipe, resume, run, stops_after,
    succeeds, tensors, text, train,
};

#[test]
fn stochastic_depth_requires_residual_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (data_set(folder.path()), folder.path().join("run"));
    let recipe = recipe(folder.path(), "stochastic_depth = 0.2\n");
    let begin = train("densenet-12-4-c05-b2", &data, &recipe, &out);
    fails_with(&begin, &["`stochastic_depth`", "densenet-12-4-c05-b2"]);
    assert!(!out.exists());
}

#[test]
fn sam_changes_weights_of_last_epochs_only() {
    let folder = tempfile::tempdir().unwrap();
    let data = data_set(folder.path());
    let [plain, sharp] = ["plain", "sharp"].map(|name| folder.path().join(name));
    // Epochs of three steps: the first six of eight take ordinary steps.
    let ordinary = recipe(folder.path(), "");
    stops_after("18", &train("resnet-8-v1", &data, &ordinary, &plain));
    let aware = recipe(folder.path(), "[sam]\nrho = 0.1\nshare = 0.25\n");
    stops_after("18", &train("resnet-8-v1", &data, &aware, &sharp));
    assert!(
        tensors(&sharp) == tensors(&plain),
        "an epoch without SAM has changed"
    );

    stops_after("1", &resume(&plain));
    stops_after("1", &resume(&sharp));
    let (plain, sharp) = (tensors(&plain), tensors(&sharp));
    assert!(sharp["weights/stem.conv.weight"] != plain["weights/stem.conv.weight"]);
    // Batch-norm statistics follow the first pass, which has the same weights in both runs.
    let statistics = |name: &&String| {
        name.starts_with("weights/") && (name.ends_with(".mean") || name.ends_with(".variance"))
    };
    let names: Vec<&String> = plain.keys().filter(statistics).collect();
    assert_eq!(names.len(), 2 * 7, "{names:?}");
    for name in names {
        assert!(sharp[name] == plain[name], "{name}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn full_disk_is_reported_and_keeps_last_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let (data, recipe) = (data_set(folder.path()), recipe(folder.path(), ""));
    let [whole, full] = ["whole", "full"].map(|name| folder.path().join(name));
    succeeds(&train("resnet-8-v1", &data, &recipe, &whole));
    stops_after("2", &train("resnet-8-v1", &data, &recipe, &full));
    let before = fs::read(full.join("checkpoint.safetensors")).unwrap();

    // A limit on the size of files fails writes in the same way as a full disk does.
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\""]);
    let trainer = command(&resume(&full));
    let output = limited
        .arg(trainer.get_program())
        .args(trainer.get_args())
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{message}");
    for words in ["disk is full", "checkpoint.safetensors", "--resume"] {
        assert!(message.contains(words), "`{words}` is not in: {message}");
    }
    assert!(fs::read(full.join("checkpoint.safetensors")).unwrap() == before);
    let files = fs::read_dir(&full)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let partial = |name: &OsString| name.to_string_lossy().ends_with(".partial");
    assert_eq!(files.filter(partial).count(), 0, "a partial file remains");
    succeeds(&resume(&full));
    assert!(tensors(&full) == tensors(&whole));
}

#[test]
fn locked_run_rejects_second_process() {
    let folder = tempfile::tempdir().unwrap();
    let (data, recipe) = (data_set(folder.path()), recipe(folder.path(), ""));
    let [out, lock] = ["run", "run/lock"].map(|name| folder.path().join(name));
    stops_after("1", &train("resnet-8-v1", &data, &recipe, &out));
    let held = fs::File::open(&lock).unwrap();
    held.lock().unwrap();
    fails_with(&resume(&out), &["another process trains in", text(&out)]);
    drop(held);
    succeeds(&resume(&out));
}

#[test]
fn dropout_requires_network_that_supports_it() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (data_set(folder.path()), folder.path().join("run"));
    let recipe = recipe(folder.path(), "dropout = 0.2\n");
    fails_with(
        &train("resnet-8-v1", &data, &recipe, &out),
        &["dropout", "resnet-8-v1"],
    );
    assert!(!out.exists());
}

#[test]
fn divergence_error_names_optimizer_keys() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (data_set(folder.path()), folder.path().join("run"));
    let hot = folder.path().join("hot.toml");
    let keys = "batch = 4\nlearning_rate = 1e30\nepochs = 8\nwarmup = 0.0\nprecision = \"fp32\"\n\
                optimizer = \"rmsprop\"\nmixup = 0.2\n";
    fs::write(&hot, keys).unwrap();
    fails_with(
        &train("resnet-8-v1", &data, &hot, &out),
        &[
            "the loss is",
            "step",
            "`learning_rate`",
            "`rmsprop.epsilon`",
        ],
    );
}

#[test]
fn unreadable_images_and_other_files_are_reported_and_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let (data, recipe) = (data_set(folder.path()), recipe(folder.path(), ""));
    for copy in 2..16 {
        for class in CLASSES {
            let train = data.join("train").join(class);
            fs::copy(
                train.join("Training_0.png"),
                train.join(format!("Training_{copy}.png")),
            )
            .unwrap();
        }
    }
    fs::write(data.join("train/sad/Training_9.png"), "not an image").unwrap();
    fs::write(data.join("train/sad/notes.txt"), "text").unwrap();
    let out = folder.path().join("run");
    let one_step = [
        train("resnet-8-v1", &data, &recipe, &out),
        vec!["--max-steps", "1"],
    ]
    .concat();
    let output = run(&one_step);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{message}");
    assert!(
        message.contains("skipped an unreadable image") && message.contains("Training_9.png"),
        "{message}"
    );
    assert!(message.contains("111 faces"), "{message}");
    assert!(message.contains("(txt: 1)"), "{message}");
}

#[test]
fn history_contains_time_waiting_for_batches() {
    let folder = tempfile::tempdir().unwrap();
    let (data, recipe) = (data_set(folder.path()), recipe(folder.path(), ""));
    let out = folder.path().join("run");
    succeeds(&train("resnet-8-v1", &data, &recipe, &out));
    let history = fs::read_to_string(out.join("history.csv")).unwrap();
    let mut lines = history.lines();
    let column = |name: &str| {
        lines
            .clone()
            .next()
            .unwrap()
            .split(',')
            .position(|c| c == name)
            .unwrap()
    };
    let (waited, seconds) = (column("waited_seconds"), column("seconds"));
    lines.next();
    for row in lines {
        let cells: Vec<&str> = row.split(',').collect();
        let [waited, seconds] = [waited, seconds].map(|at| cells[at].parse::<f64>().unwrap());
        assert!(waited > 0.0 && waited < seconds, "{row}");
    }
}
