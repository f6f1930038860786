//! `mien-train` as a person runs it, on a dozen real faces.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod house;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use sha2::Digest;

use house::{command, data_set, fails_with, resume, run, succeeds, tensors, text};

/// A run of four short epochs with three steps each, at 24 and 48 px.
fn recipe(root: &Path) -> PathBuf {
    let path = root.join("recipe.toml");
    let text = "epochs = 4\nbatch = 4\nseed = 3\nlearning_rate = 0.02\nprecision = \"fp32\"\n\
                sizes = [{ until = 0.5, side = 24 }, { until = 1.0, side = 48 }]\n";
    fs::write(&path, text).unwrap();
    path
}

/// Waits until a file is there; two minutes at most.
fn wait_for(file: &Path) {
    let begun = Instant::now();
    while !file.exists() && begun.elapsed() < Duration::from_secs(120) {
        thread::sleep(Duration::from_millis(2));
    }
}

fn train<'a>(data: &'a Path, recipe: &'a Path, out: &'a Path) -> Vec<&'a str> {
    house::train("resnet-8-v1", data, recipe, out)
}

#[test]
fn a_run_that_is_stopped_or_killed_ends_with_the_weights_of_one_that_was_not() {
    let folder = tempfile::tempdir().unwrap();
    let (data, recipe) = (data_set(folder.path()), recipe(folder.path()));
    let [whole, stopped, killed] =
        ["whole", "stopped", "killed"].map(|name| folder.path().join(name));
    succeeds(&train(&data, &recipe, &whole));

    // In the middle of the second epoch.
    let five_steps = [train(&data, &recipe, &stopped), vec!["--max-steps", "5"]].concat();
    assert_eq!(run(&five_steps).status.code(), Some(3), "saved, not finished");
    succeeds(&resume(&stopped));

    let mut child = command(&train(&data, &recipe, &killed)).stderr(Stdio::null()).spawn().unwrap();
    wait_for(&killed.join("checkpoint.safetensors"));
    child.kill().unwrap();
    child.wait().unwrap();
    succeeds(&resume(&killed));

    let expected = tensors(&whole);
    assert!(expected.len() > 60, "weights, velocities and averages of a ResNet-8");
    assert!(tensors(&stopped) == expected, "the stopped run ends elsewhere");
    assert!(tensors(&killed) == expected, "the killed run ends elsewhere");
    let history = fs::read_to_string(stopped.join("history.csv")).unwrap();
    let sides: Vec<&str> =
        history.lines().skip(1).map(|row| row.split(',').nth(1).unwrap()).collect();
    assert_eq!(sides, ["24", "24", "48", "48"]);
    for run in [&whole, &stopped, &killed] {
        let history = fs::read_to_string(run.join("history.csv")).unwrap();
        assert_eq!(history.lines().count(), 1 + 4, "{}", run.display());
        let events = fs::read(run.join("events.out.tfevents.0.mien-train")).unwrap();
        assert_eq!(count(&events, b"loss/train"), 4, "one event an epoch, {}", run.display());
        assert!(is_png(&run.join("curves.png")));
    }
}

fn count(bytes: &[u8], word: &[u8]) -> usize {
    bytes.windows(word.len()).filter(|window| *window == word).count()
}

fn is_png(path: &Path) -> bool {
    fs::read(path).unwrap().starts_with(b"\x89PNG\r\n\x1a\n")
}

#[test]
fn records_that_lag_behind_the_checkpoint_are_set_right_by_a_resume() {
    let folder = tempfile::tempdir().unwrap();
    let (data, recipe) = (data_set(folder.path()), recipe(folder.path()));
    let out = folder.path().join("run");
    succeeds(&train(&data, &recipe, &out));
    let (history, events) = (out.join("history.csv"), out.join("events.out.tfevents.0.mien-train"));
    let whole = [&history, &events].map(|path| fs::read(path).unwrap());
    // As a process leaves them that dies between two writes of the last epoch.
    let text = fs::read_to_string(&history).unwrap();
    let without_last = text.trim_end().rsplit_once('\n').unwrap().0;
    fs::write(&history, without_last).unwrap();
    fs::write(&events, &whole[1][..whole[1].len() - 30]).unwrap();
    fs::remove_file(out.join("curves.png")).unwrap();
    succeeds(&resume(&out));
    assert_eq!(fs::read(&history).unwrap(), whole[0]);
    let events = fs::read(&events).unwrap();
    assert_eq!((events.len(), count(&events, b"loss/train")), (whole[1].len(), 4));
    assert!(is_png(&out.join("curves.png")));
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// What ONNX Runtime makes of a face of the repository: logits and probabilities.
fn answers(model: &Path) -> (Vec<f32>, Vec<f32>) {
    use mien_training::onnx::session::{Model, Runtime};
    let faces = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/faces");
    let png = fs::read(faces.join("fear.png")).unwrap();
    let face = mien_faces::image::decode(&png, &mien_faces::image::Limits::default()).unwrap();
    let mut model = Model::open(&Runtime::load().unwrap(), &fs::read(model).unwrap()).unwrap();
    let answers = model.run(&[face.to_face(48)]).unwrap();
    (answers.logits, answers.probabilities)
}

#[test]
fn the_temperature_comes_from_held_out_faces_and_stands_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (data, recipe) = (data_set(folder.path()), recipe(folder.path()));
    let add = |line: &str| {
        let text = fs::read_to_string(&recipe).unwrap();
        fs::write(&recipe, format!("{line}\n{text}")).unwrap();
    };
    add("tta = \"flip-shift\"");
    let [held, last, other] = ["held", "last", "other"].map(|name| folder.path().join(name));
    succeeds(&[train(&data, &recipe, &held), vec!["--holdout", "0.5", "--epochs", "2"]].concat());
    succeeds(&[train(&data, &recipe, &last), vec!["--epochs", "2"]].concat());
    succeeds(&[train(&data, &recipe, &other), vec!["--epochs", "2", "--seed", "4"]].concat());
    assert!(is_png(&held.join("confusion.png")));

    let model = folder.path().join("models/held/1/model.onnx");
    succeeds(&["export", text(&held), "--out", text(&model)]);
    let report = json(&model.with_file_name("report.json"));
    let fitted = report["temperature"]["value"].as_f64().unwrap();
    assert_eq!(report["temperature"]["source"], "holdout");
    assert!(fitted != 1.0 && report["holdout"]["total"] == 7, "{report}");
    let loss = |when: &str| report["holdout"][when]["log_loss"].as_f64().unwrap();
    assert!(loss("after") < loss("before"), "{report}");
    assert_eq!(report["test"]["tta"]["views"], 10);
    assert_eq!(report["test"]["tta"]["total"], 28);
    let metadata =
        format!("mien.temperature\x12{}{fitted}", fitted.to_string().len() as u8 as char);
    assert_eq!(count(&fs::read(&model).unwrap(), metadata.as_bytes()), 1);
    let (logits, probabilities) = answers(&model);
    let powers: Vec<f64> = logits.iter().map(|&z| (f64::from(z) / fitted).exp()).collect();
    for (power, probability) in powers.iter().zip(probabilities) {
        let expected = power / powers.iter().sum::<f64>();
        assert!((expected - f64::from(probability)).abs() < 1e-5, "{expected} {probability}");
    }

    // The final run has no faces to fit on.
    let model = folder.path().join("models/last/1/model.onnx");
    let export = |more: &[&str]| {
        let args = [&["export", text(&last), "--out", text(&model)], more].concat();
        (succeeds(&args), json(&model.with_file_name("report.json")))
    };
    let (told, report) = export(&[]);
    assert!(told.contains("temperature 1: no faces were held out"), "{told}");
    assert_eq!(report["temperature"], serde_json::json!({"value": 1.0, "source": "not_fitted"}));
    let (_, report) = export(&["--temperature-from", text(&held)]);
    assert_eq!(report["temperature"]["value"], fitted);
    assert_eq!(report["temperature"]["source"]["holdout_of"], "held");
    let (_, report) = export(&["--temperature", "1.5"]);
    assert_eq!(report["temperature"], serde_json::json!({"value": 1.5, "source": "given"}));
    let export = |from: &Path| {
        ["export", text(&last), "--out", text(&model), "--temperature-from", text(from)]
            .map(str::to_owned)
    };
    let refused = |from: &Path, words: &[&str]| {
        let args = export(from);
        fails_with(&args.iter().map(String::as_str).collect::<Vec<_>>(), words);
    };
    refused(&other, &["`seed` is 4 there and 3 here"]);
    refused(&last, &["held no faces out", "--holdout"]);
    fails_with(
        &["export", text(&last), "--out", text(&model), "--temperature", "0"],
        &["from 0.05 to 20"],
    );

    let picture = folder.path().join("both.png");
    let told = succeeds(&["compare", text(&held), text(&last), "--out", text(&picture)]);
    assert!(is_png(&picture));
    for words in ["resnet-8-v1", "2/2", "recipe keys that differ: 1", "holdout", "test accuracy"] {
        assert!(told.contains(words), "`{words}` is not in {told}");
    }
}

#[test]
fn micro_batches_on_two_threads_resume_to_the_bit_too() {
    let folder = tempfile::tempdir().unwrap();
    let (data, path) = (data_set(folder.path()), recipe(folder.path()));
    let keys = "micro_batch = 2\nzero_init_residual = true\n";
    fs::write(&path, format!("{keys}{}", fs::read_to_string(&path).unwrap())).unwrap();
    let [whole, stopped] = ["whole", "stopped"].map(|name| folder.path().join(name));
    let begin = ["train", "--arch", "resnet-8-v1", "--threads", "2", "--data", text(&data)];
    let begin = [&begin[..], &["--recipe", text(&path), "--out"]].concat();
    succeeds(&[&begin[..], &[text(&whole)]].concat());
    let part = [&begin[..], &[text(&stopped), "--max-steps", "5"]].concat();
    assert_eq!(run(&part).status.code(), Some(3), "saved, not finished");
    succeeds(&["train", "--resume", "--threads", "2", "--out", text(&stopped)]);
    assert!(tensors(&stopped) == tensors(&whole), "the stopped run ends elsewhere");
}

#[test]
fn an_exported_model_answers_as_libtorch_and_tells_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (data, recipe) = (data_set(folder.path()), recipe(folder.path()));
    let out = folder.path().join("run");
    let model = folder.path().join("models/small/1/model.onnx");
    let export = ["export", text(&out), "--out", text(&model)];
    let two_steps = [train(&data, &recipe, &out), vec!["--max-steps", "2"]].concat();
    assert_eq!(run(&two_steps).status.code(), Some(3));
    fails_with(&export, &["finished 0 of 4 epochs", "--resume"]);
    assert!(!model.exists());
    succeeds(&resume(&out));

    let told = succeeds(&export);
    assert!(told.contains("libtorch and ONNX Runtime differ by at most"), "{told}");
    assert!(told.contains("PublicTest"), "{told}");
    let report = json(&model.with_file_name("report.json"));
    assert_eq!(report["test"]["total"], 28);
    // Every face of the fixture lies in train as well.
    assert_eq!(report["test"]["duplicates"]["test_in_train"], 28);
    assert_eq!(report["test"]["duplicates"]["without"]["total"], 0);
    assert_eq!(report["training"]["workplaces"][0]["threads"], 1);
    let bytes = fs::read(&model).unwrap();
    let sha256 = sha2::Sha256::digest(&bytes);
    let sha256: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    let card = model.with_file_name("README.md");
    for path in [&card, &model.with_file_name("report.md")] {
        let text = fs::read_to_string(path).unwrap();
        for words in [sha256.as_str(), "PrivateTest", "| surprise |", "confusion.png"] {
            assert!(text.contains(words), "`{words}` is not in {}", path.display());
        }
    }
    for name in ["curves.png", "confusion.png"] {
        assert!(is_png(&model.with_file_name(name)));
    }
    fs::write(&card, "by a person").unwrap();
    succeeds(&export);
    assert_eq!(
        fs::read_to_string(&card).unwrap(),
        "by a person",
        "no text by a person is replaced"
    );
    let holds = |word: &str| bytes.windows(word.len()).any(|window| window == word.as_bytes());
    for key in [
        "labels",
        "architecture",
        "parameters",
        "temperature",
        "trained_on",
        "recipe",
        "accuracy",
        "created",
    ] {
        assert!(holds(&format!("mien.{key}")), "metadata mien.{key}");
    }
}

#[test]
fn the_list_is_a_table_or_json() {
    assert!(succeeds(&["list"]).contains("resnet-104-v1"));
    let list: serde_json::Value = serde_json::from_str(&succeeds(&["list", "--json"])).unwrap();
    let find = |name: &str| {
        list.as_array().unwrap().iter().find(|entry| entry["name"] == name).unwrap().clone()
    };
    let expected = serde_json::json!({
        "name": "resnet-104-v1", "parameters": 1_647_975, "trainable": 1_640_327, "statistics": 7_648,
        "multiply_adds": 537_075_648,
    });
    assert_eq!(find("resnet-104-v1"), expected);
    assert_eq!(find("resnet-20-v1")["statistics"], 1_376);
}

#[test]
fn bench_tells_where_the_time_of_a_step_goes() {
    let small = ["bench", "--arch", "resnet-8-v1", "--batch", "8", "--size", "24", "--steps", "2"];
    let table = succeeds(&[&small[..], &["--micro-batch", "2", "--threads", "2"]].concat());
    assert!(table.contains("forward") && table.contains("resnet-8-v1"), "{table}");

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
fn mistakes_are_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let (data, recipe) = (data_set(folder.path()), recipe(folder.path()));
    let out = folder.path().join("run");
    let missing = folder.path().join("nowhere");
    fails_with(&train(&missing, &recipe, &out), &["nowhere"]);
    fails_with(
        &["train", "--arch", "vgg", "--data", text(&data), "--out", text(&out)],
        &["vgg", "mien-train list"],
    );
    fails_with(&resume(&missing), &["nowhere", "holds no run"]);
    assert!(!out.exists(), "a mistake leaves no folder behind");

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
    fails_with(&train(&data, &hot, &out), &["the loss is", "`learning_rate`"]);
    fails_with(&train(&data, &recipe, &out), &["already holds a run", "--resume"]);

    fs::write(data.join("train/sad/Training_1.png"), "no picture").unwrap();
    let other = folder.path().join("other");
    fails_with(&train(&data, &recipe, &other), &["1 of 14 images", "Training_1.png"]);
}

#[cfg(unix)]
#[test]
fn an_interrupt_saves_and_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let data = data_set(folder.path());
    let out = folder.path().join("run");
    let endless = folder.path().join("endless.toml");
    fs::write(&endless, "epochs = 1000000\nbatch = 4\nsizes = [{ until = 1.0, side = 24 }]\n")
        .unwrap();
    let mut child = command(&train(&data, &endless, &out)).stderr(Stdio::null()).spawn().unwrap();
    wait_for(&out.join("checkpoint.safetensors"));
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert!(!tensors(&out).is_empty());
}
