//! Directories and patterns become files.

use std::{
    iter,
    path::{Path, PathBuf},
};

use glob::MatchOptions;
use mien_faces::image::is_image_file;
use walkdir::{DirEntry, WalkDir};

use super::{Entry, Skipped};

type Found = Box<dyn Iterator<Item = Entry> + Send>;

/// Characters of patterns.
const WILDCARDS: [char; 3] = ['*', '?', '['];

/// `*` matches neither `/` nor hidden files.
const MATCHING: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// Returns the files of an argument: a file, a directory or a pattern. A path that exists is not a pattern.
pub(super) fn argument(argument: PathBuf, skipped: &Skipped) -> Found {
    let text = argument.to_str();
    match text.filter(|text| text.contains(WILDCARDS)) {
        Some(text) if argument.symlink_metadata().is_err() => pattern(text, skipped),
        _ => path(argument, skipped),
    }
}

/// Returns the images of a directory, or the file itself. A file that does not exist is found when it is read.
pub(super) fn path(path: PathBuf, skipped: &Skipped) -> Found {
    if path.is_dir() {
        directory(path, skipped.clone())
    } else {
        one(Entry::file(path))
    }
}

/// Returns the files and directories that match, sorted by name.
fn pattern(text: &str, skipped: &Skipped) -> Found {
    let failure = |error: String| one(Entry::failure(text.into(), error));
    let mut paths = match glob::glob_with(text, MATCHING) {
        Ok(paths) => paths.peekable(),
        Err(error) => return failure(format!("invalid pattern: {error}")),
    };
    if paths.peek().is_none() {
        return failure("no file matches the pattern".to_owned());
    }
    let skipped = skipped.clone();
    Box::new(paths.flat_map(move |found| match found {
        Ok(found) => path(found, &skipped),
        Err(error) => {
            let path = error.path().to_owned();
            one(Entry::failure(path, error.error().to_string()))
        }
    }))
}

/// Returns the images in a directory and its subdirectories, sorted by name.
fn directory(root: PathBuf, skipped: Skipped) -> Found {
    let walk = WalkDir::new(&root).follow_links(true).sort_by_file_name();
    let visible = walk
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry));
    Box::new(visible.filter_map(move |entry| match entry {
        Ok(entry) if entry.file_type().is_dir() => None,
        Ok(entry) => image(entry.into_path(), &skipped),
        // A link to a parent directory, whose files are listed already.
        Err(error) if error.loop_ancestor().is_some() => None,
        Err(error) => {
            let path = error.path().unwrap_or(&root).to_owned();
            let reason = error.io_error().map(ToString::to_string);
            Some(Entry::failure(
                path,
                reason.unwrap_or_else(|| error.to_string()),
            ))
        }
    }))
}

/// Returns the entry of a file in a directory if it is an image.
fn image(path: PathBuf, skipped: &Skipped) -> Option<Entry> {
    match is_image_file(&path) {
        Ok(true) => Some(Entry::file(path)),
        Ok(false) => {
            skipped.add();
            None
        }
        Err(error) => Some(Entry::failure(path, error.to_string())),
    }
}

fn is_hidden(entry: &DirEntry) -> bool {
    Path::new(entry.file_name())
        .as_os_str()
        .as_encoded_bytes()
        .starts_with(b".")
}

fn one(entry: Entry) -> Found {
    Box::new(iter::once(entry))
}
