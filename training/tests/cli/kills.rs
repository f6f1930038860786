//! Runs that are killed repeatedly.

use std::{
    fs,
    path::Path,
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use crate::common::{command, data_set, recipe_with as recipe, resume, succeeds, tensors, train};

/// Waits until the run has saved another checkpoint or exits.
fn wait_for_next(checkpoint: &Path, run: &mut Child) {
    let saved = || {
        fs::metadata(checkpoint)
            .and_then(|file| file.modified())
            .ok()
    };
    let before = saved();
    while saved() == before && run.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Trains twice, once with repeated kills, and checks that the weights are identical.
fn assert_survives_kills(arch: &str, keys: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (data, recipe) = (data_set(folder.path()), recipe(folder.path(), keys));
    let [whole, killed] = ["whole", "killed"].map(|name| folder.path().join(name));
    succeeds(&train(arch, &data, &recipe, &whole));

    let saved = killed.join("checkpoint.safetensors");
    let mut child = command(&train(arch, &data, &recipe, &killed))
        .stderr(Stdio::null())
        .spawn();
    for delay_ms in [0, 7, 1, 13, 4] {
        let mut running = child.unwrap();
        wait_for_next(&saved, &mut running);
        // The delays hit different operations: a step, a write, the end of an epoch.
        thread::sleep(Duration::from_millis(delay_ms));
        running.kill().unwrap();
        running.wait().unwrap();
        assert!(!tensors(&killed).is_empty(), "the checkpoint is whole");
        child = command(&resume(&killed)).stderr(Stdio::null()).spawn();
    }
    child.unwrap().wait().unwrap();
    succeeds(&resume(&killed));
    let (expected, found) = (tensors(&whole), tensors(&killed));
    assert_eq!(
        expected.keys().collect::<Vec<_>>(),
        found.keys().collect::<Vec<_>>()
    );
    for (name, values) in expected {
        assert!(found[&name] == values, "{name} differs");
    }
}

#[test]
fn rmsprop_and_mixup_survive_kills() {
    assert_survives_kills(
        "resnet-8-v1",
        "optimizer = \"rmsprop\"\nmixup = 0.4\nl2 = 1e-4\nclass_weights = \"balanced\"\nclip_norm = 1.0\n",
    );
}

#[test]
fn dropout_survives_kills() {
    assert_survives_kills("densenet-12-4-c05-b2", "dropout = 0.2\n");
}

#[test]
fn adamw_and_cutout_survive_kills() {
    assert_survives_kills(
        "resnet-11-v2",
        "optimizer = \"adamw\"\nweight_decay = 0.05\nzero_init_residual = true\nschedule = \"steps\"\n\
         steps = [{ after = 1, factor = 0.1 }]\n[augment]\ncutout = 0.5\n",
    );
}

#[test]
fn sam_and_stochastic_depth_survive_kills() {
    assert_survives_kills(
        "resnet-8-v1",
        "micro_batch = 2\nclip_norm = 1.0\nstochastic_depth = 0.4\n[sam]\nrho = 0.1\nshare = 0.75\n",
    );
}
