//! A trial of the archive in a root directory that contains only glibc. It needs the right to change the root directory.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

use super::{
    files::{copy, create_dir},
    libraries::system_library,
};
use crate::workspace::{check, root};

/// The libraries of glibc.
const GLIBC: [&str; 5] = [
    "libc.so.6",
    "libm.so.6",
    "libdl.so.2",
    "libpthread.so.0",
    "librt.so.1",
];
/// The dynamic loader, whose path is part of every program.
const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";
/// Path of the photo in the root directory, and the label of its face.
const PHOTO: (&str, &str) = ("/photo.jpg", "happy");

/// Unpacks the archive, verifies its checksums, and compares the labels of the program with those of its server.
///
/// # Errors
/// Returns an error if the process is not privileged, or the archive does not work.
pub(super) fn run(archive: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let root = folder.path();
    create_root(root)?;
    let mien = root.join("opt/mien");
    let mut tar = Command::new("tar");
    tar.args(["--extract", "--strip-components=1", "--file"])
        .arg(archive)
        .arg("--directory")
        .arg(&mien);
    check(tar)?;
    let mut sums = Command::new("sha256sum");
    sums.args(["--check", "--quiet", "SHA256SUMS"])
        .current_dir(&mien);
    check(sums)?;

    let models = "--models=/opt/mien/models";
    let local = labels(inside(root).args(["classify", "--faces", models, PHOTO.0]))?;
    let mut server = inside(root);
    server.args(["serve", "--addr=127.0.0.1:0", "--state=memory", models]);
    let (mut server, url) = start(&mut server)?;
    let remote = labels(inside(root).args(["classify", "--faces", "--server", &url, PHOTO.0]));
    server.kill()?;
    server.wait()?;
    ensure!(
        remote? == local,
        "the server and the program have different labels"
    );
    eprintln!("the archive runs in a root directory with glibc only:\n{local}");
    Ok(())
}

/// Copies glibc to its paths below `folder`, creates `/dev/null` and the directories of the archive and of `/proc`, and adds the photo.
fn create_root(folder: &Path) -> Result<()> {
    let below = |path: &Path| folder.join(path.strip_prefix("/").unwrap_or(path));
    let libraries = GLIBC.iter().map(|name| system_library(name));
    for path in libraries {
        let path = path?;
        let target = below(&path);
        create_dir(target.parent().unwrap_or(folder))?;
        copy(&path, &target)?;
    }
    create_dir(&folder.join("lib64"))?;
    copy(Path::new(LOADER), &below(Path::new(LOADER)))?;
    create_dir(&folder.join("opt/mien"))?;
    create_dir(&folder.join("proc"))?;
    create_dir(&folder.join("dev"))?;
    // Child processes have it as their standard input.
    let mut mknod = Command::new("mknod");
    mknod
        .arg("--mode=666")
        .arg(folder.join("dev/null"))
        .args(["c", "1", "3"]);
    check(mknod).context("the trial needs root")?;
    let photo = root().join("tests/fixtures/photos/astronaut.jpg");
    copy(&photo, &below(Path::new(PHOTO.0)))
}

/// Returns a command that runs the program with another root directory and without environment variables.
fn inside(root: &Path) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
        .arg("--root")
        .arg(root)
        .arg("/opt/mien/mien")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// Returns the output of a classification, which must contain the label of the photo.
fn labels(command: &mut Command) -> Result<String> {
    let output = command.output().context("cannot start unshare")?;
    let found = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success() && found.contains(PHOTO.1),
        "mien classify failed ({}); the trial needs root:\n{found}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(found)
}

/// Starts the server and returns its URL.
fn start(command: &mut Command) -> Result<(Child, String)> {
    command.stderr(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().context("cannot start unshare")?;
    let mut log = String::new();
    let mut stderr = BufReader::new(child.stderr.take().context("stderr is not piped")?);
    while stderr.read_line(&mut log)? > 0 {
        let line = log.lines().last().unwrap_or_default();
        if let Some((_, url)) = line.split_once("serving url=") {
            let url = url.split_whitespace().next().unwrap_or_default().to_owned();
            // The server must be able to write its log.
            std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
            return Ok((child, url));
        }
    }
    bail!("mien serve ended before it served:\n{log}")
}
