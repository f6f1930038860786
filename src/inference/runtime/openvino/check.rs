//! Checks of the plugin in a process of its own, because a damaged library or a defect of the plugin can end the process that
//! loads it.

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::OpenVinoError;
use crate::{inference::engine::Precision, thread_priority::LoadPriority};

/// Name of the hidden command that runs a check. Its argument is the check as JSON; its last line is the result as JSON.
pub const COMMAND: &str = "check-openvino";

/// Maximum duration of a check.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// Interval at which the end of the process is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A check of the plugin: loads it and, optionally, compiles and runs a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The file of the plugin.
    pub plugin: PathBuf,
    /// The model.
    pub model: Option<ModelCheck>,
}

/// A model to compile and run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelCheck {
    /// The model file.
    pub path: PathBuf,
    /// The precision.
    pub precision: Precision,
    /// Number of cores that one inference call uses.
    pub threads: usize,
    /// Directory that stores the compiled model.
    pub blobs: Option<PathBuf>,
}

impl Check {
    /// Runs the check with the executable of the server, at the priority of loads.
    ///
    /// # Errors
    /// Returns the error of the check, or how the process ended.
    pub(crate) fn run_in_process(
        &self,
        program: &Path,
        priority: &LoadPriority,
    ) -> Result<(), OpenVinoError> {
        let json = serde_json::to_string(self).expect("a check is plain data");
        let output = priority.run(|| output(program, &json));
        let ended = |reason: String| match self.model {
            None => OpenVinoError::Plugin(reason),
            Some(_) => OpenVinoError::Model(reason),
        };
        let (status, text) = output.map_err(ended)?;
        let result = text.lines().last().map(serde_json::from_str);
        match result {
            Some(Ok(result)) if status.success() => result,
            _ => Err(ended(format!(
                "the process that checks it ended unexpectedly ({status})"
            ))),
        }
    }
}

/// Runs the command and returns its status and output, or why it has none.
fn output(program: &Path, check: &str) -> Result<(ExitStatus, String), String> {
    let cannot = |error| format!("cannot start the process that checks it: {error}");
    let mut child = Command::new(program)
        .args([COMMAND, check])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(cannot)?;
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().map_err(cannot)? {
            break status;
        }
        if begin.elapsed() > TIME_LIMIT {
            // An error means that the process has ended.
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!(
                "the process that checks it did not end within {} s",
                TIME_LIMIT.as_secs()
            ));
        }
        thread::sleep(POLL_INTERVAL);
    };
    let mut text = String::new();
    if let Some(stdout) = &mut child.stdout {
        stdout.read_to_string(&mut text).map_err(cannot)?;
    }
    Ok((status, text))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    /// Returns the result of a check by a shell script.
    fn check(script: &str, model: bool) -> Result<(), OpenVinoError> {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("program");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let model = model.then(|| ModelCheck {
            path: PathBuf::from("model.onnx"),
            precision: Precision::Fp32,
            threads: 1,
            blobs: None,
        });
        let plugin = PathBuf::from("plugin.so");
        Check { plugin, model }.run_in_process(&program, &LoadPriority::default())
    }

    #[test]
    fn result_is_last_line_of_output() {
        assert_eq!(check(r#"echo noise; echo '{"Ok":null}'"#, true), Ok(()));
        assert_eq!(
            check(r#"echo '{"Err":"no_device"}'"#, false),
            Err(OpenVinoError::NoDevice)
        );
    }

    #[test]
    fn crash_of_process_is_reported_with_signal() {
        let plugin = check("kill -SEGV $$", false).unwrap_err();
        assert!(
            matches!(&plugin, OpenVinoError::Plugin(reason) if reason.contains("signal: 11")),
            "{plugin}"
        );
        let model = check(r#"echo '{"Ok":null}'; kill -ILL $$"#, true).unwrap_err();
        assert!(
            matches!(&model, OpenVinoError::Model(reason) if reason.contains("signal: 4")),
            "{model}"
        );
    }

    #[test]
    fn check_is_passed_as_json_argument() {
        let script = r#"case "$1 $2" in
            'check-openvino {"plugin":"plugin.so","model":null}') echo '{"Ok":null}';;
        esac"#;
        assert_eq!(check(script, false), Ok(()));
    }
}
