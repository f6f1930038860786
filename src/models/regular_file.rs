//! Opens the files of models. A FIFO, a socket or a device is rejected instead of blocking the thread that loads models.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::fs::OFlags;

/// Maximum size of a model file in bytes, which is that of a protocol buffer message. External data may be larger.
pub(super) const MAX_MODEL_SIZE: u64 = (1 << 31) - 1;

/// Opens a regular file for reading.
///
/// # Errors
/// Returns an error without a path if the file cannot be opened or is not a regular file.
pub(super) fn open(path: &Path) -> io::Result<File> {
    // Opening a device can have side effects.
    check(path.metadata()?.is_file())?;
    // The path may refer to another file by now. With this flag the call does not wait for the writer of a FIFO.
    let flags =
        i32::try_from(OFlags::NONBLOCK.bits()).expect("the flags of open(2) fit into an int");
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)?;
    check(file.metadata()?.is_file())?;
    Ok(file)
}

/// Opens a model file. Reading a sparse file of terabytes would block the thread that loads models.
///
/// # Errors
/// Returns the errors of [`open`], and an error if the file is too large.
pub(super) fn open_model(path: &Path) -> io::Result<File> {
    open_bounded(path, MAX_MODEL_SIZE)
}

/// Opens a regular file of at most `max` bytes.
///
/// # Errors
/// Returns the errors of [`open`], and an error if the file is larger.
pub(super) fn open_bounded(path: &Path, max: u64) -> io::Result<File> {
    let file = open(path)?;
    let length = file.metadata()?.len();
    if length > max {
        let reason = format!("it has {length} bytes; the maximum is {max}");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
    }
    Ok(file)
}

/// Reads a regular file that contains at most `max` bytes of text.
///
/// # Errors
/// Returns the errors of [`open`], and an error if the file is larger or the content is not UTF-8.
pub(super) fn read_to_string(path: &Path, max: u64) -> io::Result<String> {
    let mut text = String::new();
    // The file may grow while it is read.
    open_bounded(path, max)?
        .take(max)
        .read_to_string(&mut text)?;
    Ok(text)
}

fn check(is_regular: bool) -> io::Result<()> {
    if is_regular {
        return Ok(());
    }
    let reason = "it is not a regular file; replace it by a file or by a link to a file";
    Err(io::Error::new(io::ErrorKind::InvalidInput, reason))
}

#[cfg(test)]
mod tests {
    use std::{os::unix::net::UnixListener, process::Command};

    use super::*;

    #[test]
    fn special_files_are_rejected_without_blocking() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        assert!(
            Command::new("mkfifo")
                .arg(&fifo)
                .status()
                .unwrap()
                .success()
        );
        let socket = directory.path().join("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        for path in [&fifo, &socket, Path::new("/dev/zero"), directory.path()] {
            let error = open(path).unwrap_err().to_string();
            assert!(error.contains("not a regular file"), "{path:?}: {error}");
        }
    }

    #[test]
    fn links_to_files_are_followed() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        std::fs::write(&file, "text").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(read_to_string(&link, 4).unwrap(), "text");
        let too_large = read_to_string(&link, 3).unwrap_err().to_string();
        assert!(too_large.contains("it has 4 bytes"), "{too_large}");
        let missing = open(&directory.path().join("missing")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
