//! The program ffmpeg.

use std::{
    ffi::OsStr,
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
    thread::{self, JoinHandle},
};

use anyhow::{Context, ensure};

/// Maximum number of bytes of an error message.
const MAX_MESSAGE: u64 = 64 << 10;

/// The program.
#[derive(Debug, Clone)]
pub(super) struct Ffmpeg(PathBuf);

/// A running process.
pub(super) struct Process {
    pub(super) child: Child,
    messages: JoinHandle<String>,
}

impl Ffmpeg {
    /// Checks that the program can be run.
    ///
    /// # Errors
    /// Returns an error with the remedy if it cannot.
    pub(super) fn find(program: &Path) -> anyhow::Result<Self> {
        let version = Command::new(program)
            .args(["-nostdin", "-version"])
            .stdin(Stdio::null())
            .output();
        let output = version.with_context(|| {
            format!(
                "cannot run `{}`, which decodes videos. Install ffmpeg, for example with `apt install ffmpeg`, or name the program with --ffmpeg",
                program.display()
            )
        })?;
        ensure!(
            output.status.success(),
            "`{} -version` fails ({}); name another program with --ffmpeg",
            program.display(),
            output.status
        );
        Ok(Self(program.to_owned()))
    }

    /// Starts a process that reads or writes a pipe.
    ///
    /// # Errors
    /// Returns the error of the operating system.
    pub(super) fn start(
        &self,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        stdin: Stdio,
        stdout: Stdio,
    ) -> io::Result<Process> {
        let mut child = Command::new(&self.0)
            .args(["-nostdin", "-hide_banner", "-loglevel", "error"])
            .args(arguments)
            .stdin(stdin)
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = child.stderr.take();
        // A full pipe would block the process.
        let messages = thread::spawn(move || stderr.map_or_else(String::new, last_message));
        Ok(Process { child, messages })
    }
}

impl Process {
    /// Waits until the process ends.
    ///
    /// # Errors
    /// Returns the last message of a process that failed.
    pub(super) fn finish(mut self) -> Result<(), String> {
        let status = self.child.wait().map_err(|error| error.to_string())?;
        let message = self.messages.join().unwrap_or_default();
        match (status.success(), message.is_empty()) {
            (true, _) => Ok(()),
            (false, false) => Err(format!("ffmpeg: {message}")),
            (false, true) => Err(format!("ffmpeg failed ({status})")),
        }
    }

    /// Ends a process whose output is not needed any more.
    pub(super) fn kill(mut self) {
        // Both fail only if the process has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads all messages and returns the last line.
fn last_message(mut stderr: ChildStderr) -> String {
    let mut text = Vec::new();
    // The rest is read and ignored.
    let _ = stderr.by_ref().take(MAX_MESSAGE).read_to_end(&mut text);
    let _ = io::copy(&mut stderr, &mut io::sink());
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().rfind(|line| !line.trim().is_empty());
    line.unwrap_or_default().trim().to_owned()
}
