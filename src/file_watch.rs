//! Detects changes of files by polling, which also works on network file systems and for Kubernetes volumes.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// State of a file: inode, size, and time of the last change in seconds and nanoseconds. `None` if the file is missing.
type Stamp = Option<(u64, u64, i64, i64)>;

/// Files whose changes are detected together.
pub(crate) struct FileWatch {
    paths: Vec<PathBuf>,
    /// The state that was reported last, or that at the start.
    reported: Vec<Stamp>,
    /// The state at the last poll.
    polled: Vec<Stamp>,
}

impl FileWatch {
    /// Starts to watch files. Read them after this call, so that no change is missed.
    pub(crate) fn new(paths: Vec<PathBuf>) -> Self {
        let stamps = stamps(&paths);
        Self {
            paths,
            reported: stamps.clone(),
            polled: stamps,
        }
    }

    /// Returns whether the files have changed since the last report. A change is reported when two consecutive polls agree, so
    /// that files that are still being written are not read.
    pub(crate) fn poll(&mut self) -> bool {
        let now = stamps(&self.paths);
        let is_stable = now == self.polled;
        self.polled = now;
        if is_stable && self.polled != self.reported {
            self.reported.clone_from(&self.polled);
            return true;
        }
        false
    }
}

fn stamps(paths: &[PathBuf]) -> Vec<Stamp> {
    paths.iter().map(|path| stamp(path)).collect()
}

/// Returns the state of the target of a path. Kubernetes replaces a symbolic link when a secret changes.
fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((
        metadata.ino(),
        metadata.len(),
        metadata.mtime(),
        metadata.mtime_nsec(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn change_is_reported_once_when_stable() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys.toml");
        fs::write(&path, "a").unwrap();
        let mut watch = FileWatch::new(vec![path.clone()]);
        assert!(!watch.poll());
        fs::write(&path, "ab").unwrap();
        assert!(!watch.poll());
        fs::write(&path, "abc").unwrap();
        assert!(!watch.poll());
        assert!(watch.poll());
        assert!(!watch.poll());
    }

    #[test]
    fn removed_and_replaced_files_are_reported() {
        let directory = tempfile::tempdir().unwrap();
        let paths = ["cert.pem", "key.pem"].map(|name| directory.path().join(name));
        fs::write(&paths[0], "a").unwrap();
        let mut watch = FileWatch::new(paths.to_vec());
        fs::rename(&paths[0], &paths[1]).unwrap();
        assert_eq!([watch.poll(), watch.poll()], [false, true]);
        fs::write(&paths[0], "b").unwrap();
        assert_eq!([watch.poll(), watch.poll()], [false, true]);
    }
}
