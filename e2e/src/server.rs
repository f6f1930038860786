//! The server program on a free port, with the fixture models, a version to promote, and data sets of the fixture faces.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::repository_path;

/// Path of the face detector, where `cargo xtask setup` installs it.
const DETECTOR: &str = ".runtime/yunet/face_detection_yunet_2023mar.onnx";

/// Settings of all servers.
const SETTINGS: [&str; 9] = [
    "serve",
    "--addr=127.0.0.1:0",
    "--device=cpu",
    "--tune=off",
    "--state=memory",
    "--log-format=json",
    "--drain-delay=0s",
    "--version-policy=1",
    "--drift-window=100",
];

/// Name of the file of API keys in a directory of the server.
const KEYS: &str = "keys.toml";

/// The parts of a server that only some tests need.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) has_detector: bool,
    /// Whether requests require an API key.
    pub(crate) has_keys: bool,
}

/// A server process. It is killed when the value is dropped.
pub(crate) struct Server {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub(crate) origin: String,
    /// The API key, if the server requires one.
    pub(crate) key: Option<String>,
    log: Arc<Mutex<Vec<String>>>,
    _data: [TempDir; 2],
    _models: TempDir,
}

impl Server {
    /// Starts the program that `MIEN` names, or the debug build of the repository, and waits until it serves.
    pub(crate) fn start(options: &Options) -> Result<Self> {
        let program = std::env::var_os("MIEN")
            .map_or_else(|| repository_path("target/debug/mien"), PathBuf::from);
        let (data, repeated, models) =
            (create_data_set(1)?, create_data_set(15)?, create_models()?);
        let mut command = Command::new(&program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("MIEN_") {
                command.env_remove(name);
            }
        }
        command
            .args(SETTINGS)
            .arg(detector_setting(options.has_detector)?)
            .arg(format!("--models={}", models.path().display()))
            .arg(format!("--data=faces={}", data.path().display()))
            .arg(format!("--data=repeated={}", repeated.path().display()))
            .stderr(Stdio::piped());
        let mut key = None;
        if options.has_keys {
            let file = models.path().join(KEYS);
            key = Some(create_key(&program, &file)?);
            command.arg(format!("--api-keys={}", file.display()));
        }
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let stderr = child
            .stderr
            .take()
            .context("stderr of the server is not piped")?;
        let (origin, log) = (String::new(), Arc::default());
        let mut server = Self {
            child,
            origin,
            key,
            log,
            _data: [data, repeated],
            _models: models,
        };
        server.wait_until_serving(BufReader::new(stderr))?;
        Ok(server)
    }

    /// Reads the log up to the event with the URL. A thread reads the rest.
    fn wait_until_serving(&mut self, mut stderr: BufReader<ChildStderr>) -> Result<()> {
        let mut line = String::new();
        while stderr.read_line(&mut line)? > 0 {
            let event: Value = serde_json::from_str(&line).unwrap_or_default();
            if event["message"] == "serving" {
                self.origin = event["url"]
                    .as_str()
                    .context("the event has no URL")?
                    .to_owned();
                let log = Arc::clone(&self.log);
                thread::spawn(move || {
                    for line in stderr.lines().map_while(Result::ok) {
                        log.lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push(line);
                    }
                });
                return Ok(());
            }
            let line = std::mem::take(&mut line).trim_end().to_owned();
            self.log
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(line);
        }
        bail!("the server exited before it served:\n{}", self.log())
    }

    /// Returns the log without the requests for files of the web UI.
    pub(crate) fn log(&self) -> String {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = log.iter().filter(|line| !line.contains("\"/web/"));
        lines.map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Creates a file with an API key and returns the key.
fn create_key(program: &Path, file: &Path) -> Result<String> {
    let mut command = Command::new(program);
    command.args(["keys", "new", "page", "--scope=infer", "--scope=evaluate"]);
    let output = command.arg("--file").arg(file).output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "no key was created: {stderr}");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn detector_setting(has_detector: bool) -> Result<String> {
    if !has_detector {
        return Ok("--detector=off".to_owned());
    }
    let path = repository_path(DETECTOR);
    ensure!(
        path.exists(),
        "{} does not exist; run `cargo xtask setup`",
        path.display()
    );
    Ok(format!("--detector={}", path.display()))
}

/// Copies the fixture models and adds a second version of `tiny`, which is a copy of `small`.
fn create_models() -> Result<TempDir> {
    let root = tempfile::tempdir()?;
    let fixtures = repository_path("tests/fixtures/models");
    for (from, name, version) in [
        ("broken", "broken", "1"),
        ("keras", "keras", "1"),
        ("small", "small", "1"),
        ("tiny", "tiny", "1"),
        ("small", "tiny", "2"),
    ] {
        let dir = root.path().join(name).join(version);
        fs::create_dir_all(&dir)?;
        for file in fs::read_dir(fixtures.join(from).join("1"))? {
            let file = file?;
            fs::copy(file.path(), dir.join(file.file_name()))?;
        }
    }
    Ok(root)
}

/// Creates a data set with this number of copies of the fixture face of each class.
fn create_data_set(copies: usize) -> Result<TempDir> {
    let root = tempfile::tempdir()?;
    for face in fs::read_dir(repository_path("tests/fixtures/faces"))? {
        let face = face?.path();
        let class = face.file_stem().context("the fixture has no file name")?;
        let dir = root.path().join("test").join(class);
        fs::create_dir_all(&dir)?;
        for copy in 0..copies {
            fs::copy(&face, dir.join(format!("PrivateTest_{copy}.png")))?;
        }
    }
    Ok(root)
}
