//! Runs with initial weights of another run.

use std::fs;

use crate::common::{
    data_set, fails_with, recipe_with as recipe, resume, stops_after, succeeds, tensors, text,
    train,
};

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
