//! Interrupted and reproducible runs.

use std::{
    fs,
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use crate::common::{
    command, count, data_set, interrupt, is_png, recipe, resume, stops_after, succeeds, tensors,
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
    interrupt(&mut child);
    assert!(!tensors(&out).is_empty());
}
