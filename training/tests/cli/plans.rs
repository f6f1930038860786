//! `mien-train run-all`.

mod checks;
mod ensemble;
mod int8;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use crate::common::{command, data_set, interrupt, run, tensors, text};

/// Eight epochs of three steps.
const RECIPE: &str = "epochs = 8\nbatch = 4\nseed = 3\nlearning_rate = 0.001\nholdout = 0.5\n\
                      precision = \"fp32\"\nsizes = [{ until = 1.0, side = 24 }]\n";

/// Two runs. The teacher is exported twice.
const PLAN: &str = r#"
[[run]]
name = "student"
arch = "resnet-8-v1"
recipe = "student.toml"
teachers = ["teacher"]
overrides = { seed = 4 }
exports = [{ path = "models/student/1/model.onnx" }]

[[run]]
name = "teacher"
arch = "resnet-8-v1"
recipe = "teacher.toml"
exports = [
    { path = "models/teacher/1/model.onnx" },
    { path = "models/teacher/2/model.onnx", precise_bn = true, views = "flip", weights = "fp16" },
]
"#;

/// A plan with its recipes and data in a temporary folder.
struct Fixture {
    folder: tempfile::TempDir,
    data: PathBuf,
    plan: PathBuf,
}

impl Fixture {
    fn new(plan: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = data_set(folder.path());
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("teacher.toml", RECIPE);
        let distill = "[distill]\nteachers = [\"models/teacher/1/model.onnx\"]\n";
        write("student.toml", &format!("{RECIPE}{distill}"));
        write("plan.toml", plan);
        let plan = folder.path().join("plan.toml");
        Self { folder, data, plan }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn args<'a>(&'a self, root: &'a Path) -> Vec<&'a str> {
        let fixed = [
            "run-all",
            text(&self.plan),
            "--threads",
            "1",
            "--save-every",
            "0",
        ];
        [
            &fixed[..],
            &["--data", text(&self.data), "--root", text(root)],
        ]
        .concat()
    }
}

/// Waits until a file exists or the process ends.
fn wait_for(file: &Path, process: &mut Child) {
    while !file.exists() && process.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(2));
    }
}

/// Runs a plan and returns its messages on standard error.
#[track_caller]
fn progress(args: &[&str]) -> String {
    let output = run(args);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{message}");
    message
}

#[test]
fn killed_plan_resumes_to_the_same_weights() {
    let fixture = Fixture::new(PLAN);
    let [whole, killed] = ["whole", "killed"].map(|name| fixture.path(name));
    let message = progress(&fixture.args(&whole));
    let first = message
        .find("[1/2] teacher")
        .expect("the teacher comes first");
    assert!(
        message
            .find("[2/2] student")
            .is_some_and(|second| second > first),
        "{message}"
    );

    for run in ["teacher", "student"] {
        let mut child = command(&fixture.args(&killed))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for(
            &killed.join(format!("runs/{run}/checkpoint.safetensors")),
            &mut child,
        );
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let message = progress(&fixture.args(&killed));
    assert!(
        message.contains("[1/2] teacher (resnet-8-v1): finished"),
        "{message}"
    );
    for run in ["runs/teacher", "runs/student"] {
        assert!(
            tensors(&whole.join(run)) == tensors(&killed.join(run)),
            "{run} has other weights"
        );
    }
}

/// Checks the summary of the finished plan.
fn assert_summary(runs: &Path) {
    let table = fs::read_to_string(runs.join("summary.csv")).unwrap();
    let mut rows = csv::Reader::from_reader(table.as_bytes());
    let header = rows.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    let cell = |row: usize, name: &str| {
        let column = header.iter().position(|column| column == name).unwrap();
        rows[row][column].to_owned()
    };
    let number = |row: usize, name: &str| cell(row, name).parse::<f64>().unwrap();
    let models: Vec<String> = (0..rows.len()).map(|row| cell(row, "model")).collect();
    assert_eq!(
        models,
        [
            "models/teacher/1/model.onnx",
            "models/teacher/2/model.onnx",
            "models/student/1/model.onnx"
        ]
    );
    for row in 0..rows.len() {
        assert_eq!(cell(row, "state"), "finished");
        assert_eq!(
            (number(row, "epochs"), number(row, "planned_epochs")),
            (8.0, 8.0)
        );
        assert!(number(row, "training_seconds") > 0.0);
        for accuracy in [
            "holdout_accuracy",
            "model_holdout_accuracy",
            "test_accuracy",
        ] {
            assert!(
                (0.0..=1.0).contains(&number(row, accuracy)),
                "{accuracy} of row {row}"
            );
        }
        assert!(number(row, "holdout_log_loss") > 0.0);
    }
    let markdown = fs::read_to_string(runs.join("summary.md")).unwrap();
    assert!(
        markdown.contains("| student | resnet-8-v1 | finished | 8/8 |"),
        "{markdown}"
    );
}

#[test]
fn finished_plan_is_skipped_and_summarised() {
    let fixture = Fixture::new(PLAN);
    let root = fixture.path("root");
    progress(&fixture.args(&root));
    assert_summary(&root.join("runs"));

    let model = root.join("models/student/1/model.onnx");
    let before = [&model, &root.join("models/teacher/2/model.onnx")].map(|m| fs::read(m).unwrap());
    let message = progress(&fixture.args(&root));
    assert!(!message.contains("wrote"), "{message}");
    // Without the runs' folders the exports are enough.
    fs::remove_dir_all(root.join("runs")).unwrap();
    let message = progress(&fixture.args(&root));
    assert_eq!(
        message.matches("exported; training is skipped").count(),
        2,
        "{message}"
    );
    assert!(!root.join("runs/teacher").exists());
    fs::remove_file(&model).unwrap();
    let message = progress(&fixture.args(&root));
    assert!(
        message.contains("[1/2] teacher (resnet-8-v1): exported"),
        "{message}"
    );
    let after = [&model, &root.join("models/teacher/2/model.onnx")].map(|m| fs::read(m).unwrap());
    assert!(
        before[1] == after[1],
        "the teacher's file was written again"
    );
}

#[cfg(unix)]
#[test]
fn interrupted_plan_saves_and_exits_with_3() {
    let endless = "overrides = { epochs = 1000000 }\nrecipe = \"teacher.toml\"";
    let fixture = Fixture::new(&PLAN.replace("recipe = \"teacher.toml\"", endless));
    let root = fixture.path("root");
    let mut child = command(&fixture.args(&root))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(
        &root.join("runs/teacher/checkpoint.safetensors"),
        &mut child,
    );
    interrupt(&mut child);
    let table = fs::read_to_string(root.join("runs/summary.md")).unwrap();
    assert!(
        table.contains("| teacher | resnet-8-v1 | interrupted |"),
        "{table}"
    );
    assert!(
        table.contains("| student | resnet-8-v1 | waiting | 0/8 |"),
        "{table}"
    );
    assert!(!root.join("runs/student").exists());
}
