//! Interrupted and reproducible runs, `list`, `bench`, and invalid arguments.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::common::{
    command, count, data_set, fails_with, is_png, recipe, resume, stops_after, succeeds, tensors,
    text, train_small as train,
};

/// Waits until a file exists, for at most two minutes.
fn wait_for(file: &Path) {
    let start = Instant::now();
    while !file.exists() && start.elapsed() < Duration::from_secs(120) {
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn interrupted_training_resumes_bit_identically() {
    let folder = tempfile::tempdir().unwrap();
    let (data, recipe) = (data_set(folder.path()), recipe(folder.path()));
    let [whole, stopped, killed] =
        ["whole", "stopped", "killed"].map(|name| folder.path().join(name));
    succeeds(&train(&data, &recipe, &whole));

    // Five steps end in the middle of the second epoch.
    stops_after("5", &train(&data, &recipe, &stopped));
    succeeds(&resume(&stopped));

    let mut child = command(&train(&data, &recipe, &killed))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(&killed.join("checkpoint.safetensors"));
    child.kill().unwrap();
    child.wait().unwrap();
    succeeds(&resume(&killed));

    let expected = tensors(&whole);
    assert!(
        expected.len() > 60,
        "weights, velocities and averages of a ResNet-8"
    );
    assert!(
        tensors(&stopped) == expected,
        "the stopped run has other weights"
    );
    assert!(
        tensors(&killed) == expected,
        "the killed run has other weights"
    );
    let history = fs::read_to_string(stopped.join("history.csv")).unwrap();
    let sides: Vec<&str> = history
        .lines()
        .skip(1)
        .map(|row| row.split(',').nth(1).unwrap())
        .collect();
    assert_eq!(sides, ["24", "24", "48", "48"]);
    for run in [&whole, &stopped, &killed] {
        let history = fs::read_to_string(run.join("history.csv")).unwrap();
        assert_eq!(history.lines().count(), 1 + 4, "{}", run.display());
        let events = fs::read(run.join("events.out.tfevents.0.mien-train")).unwrap();
        assert_eq!(
            count(&events, b"loss/train"),
            4,
            "one event per epoch, {}",
            run.display()
        );
        assert!(is_png(&run.join("curves.png")));
    }
}

#[test]
fn resume_repairs_artifacts_that_lag_behind_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let (data, recipe) = (data_set(folder.path()), recipe(folder.path()));
    let out = folder.path().join("run");
    succeeds(&train(&data, &recipe, &out));
    let (history, events) = (
        out.join("history.csv"),
        out.join("events.out.tfevents.0.mien-train"),
    );
    let whole = [&history, &events].map(|path| fs::read(path).unwrap());
    // The state after a process was killed between two writes of the last epoch.
    let text = fs::read_to_string(&history).unwrap();
    let without_last = text.trim_end().rsplit_once('\n').unwrap().0;
    fs::write(&history, without_last).unwrap();
    fs::write(&events, &whole[1][..whole[1].len() - 30]).unwrap();
    fs::remove_file(out.join("curves.png")).unwrap();
    succeeds(&resume(&out));
    assert_eq!(fs::read(&history).unwrap(), whole[0]);
    let events = fs::read(&events).unwrap();
    assert_eq!(
        (events.len(), count(&events, b"loss/train")),
        (whole[1].len(), 4)
    );
    assert!(is_png(&out.join("curves.png")));
}

/// Trains three times on two threads, once with an interruption, and checks that all weights are identical.
fn assert_reproducible_on_two_threads(arch: &str, keys: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (data, path) = (data_set(folder.path()), recipe(folder.path()));
    let base = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("micro_batch = 2\n{base}{keys}")).unwrap();
    let [whole, again, stopped] =
        ["whole", "again", "stopped"].map(|name| folder.path().join(name));
    let begin = [
        "train",
        "--arch",
        arch,
        "--threads",
        "2",
        "--data",
        text(&data),
    ];
    let begin = [&begin[..], &["--recipe", text(&path), "--out"]].concat();
    succeeds(&[&begin[..], &[text(&whole)]].concat());
    succeeds(&[&begin[..], &[text(&again)]].concat());
    stops_after("5", &[&begin[..], &[text(&stopped)]].concat());
    succeeds(&[
        "train",
        "--resume",
        "--threads",
        "2",
        "--out",
        text(&stopped),
    ]);
    assert!(
        tensors(&again) == tensors(&whole),
        "{arch}: the second run has other weights"
    );
    assert!(
        tensors(&stopped) == tensors(&whole),
        "{arch}: the stopped run has other weights"
    );
}

#[test]
fn micro_batches_on_two_threads_are_reproducible() {
    assert_reproducible_on_two_threads("resnet-8-v1", "zero_init_residual = true\n");
}

#[test]
fn random_masks_on_two_threads_are_reproducible() {
    let keys = "stochastic_depth = 0.5\nhead_dropout = 0.3\n[sam]\nshare = 0.5\n";
    assert_reproducible_on_two_threads("resnet-8-v1", keys);
    assert_reproducible_on_two_threads("densenet-12-4-c05-b2", "dropout = 0.2\n");
}

#[test]
fn list_prints_table_or_json() {
    assert!(succeeds(&["list"]).contains("resnet-104-v1"));
    let list: serde_json::Value = serde_json::from_str(&succeeds(&["list", "--json"])).unwrap();
    let find = |name: &str| {
        list.as_array()
            .unwrap()
            .iter()
            .find(|entry| entry["name"] == name)
            .unwrap()
            .clone()
    };
    let expected = serde_json::json!({
        "name": "resnet-104-v1", "parameters": 1_647_975, "trainable": 1_640_327, "statistics": 7_648,
        "multiply_adds": 537_075_648,
    });
    assert_eq!(find("resnet-104-v1"), expected);
    assert_eq!(find("resnet-20-v1")["statistics"], 1_376);
}

#[test]
fn bench_reports_time_per_phase() {
    let small = [
        "bench",
        "--arch",
        "resnet-8-v1",
        "--batch",
        "8",
        "--size",
        "24",
        "--steps",
        "2",
    ];
    let table = succeeds(&[&small[..], &["--micro-batch", "2", "--threads", "2"]].concat());
    assert!(
        table.contains("forward") && table.contains("resnet-8-v1"),
        "{table}"
    );

    let json = succeeds(&[&small[..], &["--precision", "bf16", "--json"]].concat());
    let figures: serde_json::Value = serde_json::from_str(&json).unwrap();
    let of = |key: &str| figures[0][key].as_f64().unwrap();
    assert_eq!(figures[0]["precision"], "BFloat16");
    let parts: f64 = ["data", "forward", "backward", "step"].map(of).iter().sum();
    assert!(parts > 0.0 && parts <= of("total"), "{json}");

    fails_with(&["bench", "--arch", "vgg"], &["vgg", "mien-train list"]);
    fails_with(&["bench", "--size", "8"], &["`sizes`", "16 to 48"]);
}

#[test]
fn invalid_arguments_are_reported_with_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let (data, recipe) = (data_set(folder.path()), recipe(folder.path()));
    let out = folder.path().join("run");
    let missing = folder.path().join("nowhere");
    fails_with(&train(&missing, &recipe, &out), &["nowhere"]);
    fails_with(
        &[
            "train",
            "--arch",
            "vgg",
            "--data",
            text(&data),
            "--out",
            text(&out),
        ],
        &["vgg", "mien-train list"],
    );
    fails_with(
        &resume(&missing),
        &["nowhere", "does not contain a run", "--arch"],
    );
    let no_threads = [
        "train",
        "--arch",
        "resnet-8-v1",
        "--data",
        text(&data),
        "--threads",
        "0",
    ];
    fails_with(
        &[&no_threads[..], &["--out", text(&out)]].concat(),
        &["--threads", "at least 1"],
    );
    let no_training_faces = [train(&data, &recipe, &out), vec!["--holdout", "0.99"]].concat();
    fails_with(
        &no_training_faces,
        &["a holdout of 0.99 leaves 0 training faces", "lower it"],
    );
    assert!(!out.exists(), "an error creates no folder");

    let wrong = folder.path().join("wrong.toml");
    fs::write(&wrong, "learning_rat = 0.1\n").unwrap();
    fails_with(&train(&data, &wrong, &out), &["wrong.toml", "learning_rat"]);
    fs::write(&wrong, "ema = 2.0\n").unwrap();
    fails_with(&train(&data, &wrong, &out), &["`ema`", "in [0, 1)"]);

    let hot = folder.path().join("hot.toml");
    fs::write(
        &hot,
        "batch = 4\nlearning_rate = 1e30\nepochs = 8\nwarmup = 0.0\nprecision = \"fp32\"\n",
    )
    .unwrap();
    fails_with(
        &train(&data, &hot, &out),
        &["the loss is", "`learning_rate`"],
    );
    fails_with(
        &train(&data, &recipe, &out),
        &["already contains a run", "--resume"],
    );

    fs::write(data.join("train/sad/Training_1.png"), "not an image").unwrap();
    let other = folder.path().join("other");
    fails_with(
        &train(&data, &recipe, &other),
        &["1 of 14 images", "Training_1.png"],
    );
}

#[cfg(unix)]
#[test]
fn interrupt_saves_checkpoint_and_exits_with_3() {
    let folder = tempfile::tempdir().unwrap();
    let data = data_set(folder.path());
    let out = folder.path().join("run");
    let endless = folder.path().join("endless.toml");
    fs::write(
        &endless,
        "epochs = 1000000\nbatch = 4\nsizes = [{ until = 1.0, side = 24 }]\n",
    )
    .unwrap();
    let mut child = command(&train(&data, &endless, &out))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(&out.join("checkpoint.safetensors"));
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert!(!tensors(&out).is_empty());
}
