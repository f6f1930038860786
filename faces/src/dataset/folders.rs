//! `<root>/{train,test}/<class>/**`: the layout of the copies on Kaggle. Images may be in subdirectories of their class.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{DatasetError, LeftOut, Sample, Source, Split, Usage};
use crate::{expression::Expression, image::is_image_file};

/// Maximum depth of subdirectories of a class, which also ends cycles of symbolic links.
const MAX_DEPTH: usize = 8;

/// Returns the names of directories in the root of a data set that are not splits, sorted.
pub(super) fn other_directories(root: &Path) -> Result<Vec<String>, DatasetError> {
    let directories = entries(root)?.into_iter().filter(|path| path.is_dir());
    let names = directories.map(|path| file_name(&path));
    let mut names: Vec<String> = names
        .filter(|name| !["train", "test"].contains(&name.as_str()))
        .collect();
    names.sort();
    Ok(names)
}

/// Lists one split, unsorted. A missing directory has no samples, because a data set may have test images only.
pub(super) fn list(
    root: &Path,
    split: Split,
    left_out: &mut LeftOut,
) -> Result<Vec<Sample>, DatasetError> {
    let folder = root.join(split.name());
    if !folder.exists() {
        return Ok(Vec::new());
    }
    list_classes(&folder, split, left_out)
}

/// Lists a directory of classes, unsorted.
pub(super) fn list_classes(
    folder: &Path,
    split: Split,
    left_out: &mut LeftOut,
) -> Result<Vec<Sample>, DatasetError> {
    let mut samples = Vec::new();
    let mut classes = 0;
    for path in entries(folder)? {
        if !path.is_dir() {
            left_out.add(&path);
            continue;
        }
        let expression = file_name(&path).to_lowercase().parse::<Expression>();
        let Ok(expression) = expression else {
            return Err(DatasetError::UnknownClass { path });
        };
        classes += 1;
        let mut files = Vec::new();
        let prefix = format!("{split}/{}", file_name(&path));
        images(&path, &prefix, MAX_DEPTH, &mut files, left_out)?;
        for (name, file) in files {
            samples.push(Sample {
                usage: Usage::of_file(&file_name(&file)),
                name,
                expression,
                is_train: split == Split::Train,
                position: 0,
                source: Source::File(file),
            });
        }
    }
    if classes == 0 {
        let path = folder.to_owned();
        return Err(DatasetError::NoClasses { path });
    }
    if samples.is_empty() {
        return Err(DatasetError::EmptySplit {
            path: folder.to_owned(),
            split,
            directories: Vec::new(),
        });
    }
    Ok(samples)
}

/// Collects the names and paths of the images in a directory and its subdirectories.
fn images(
    directory: &Path,
    prefix: &str,
    depth: usize,
    found: &mut Vec<(String, PathBuf)>,
    left_out: &mut LeftOut,
) -> Result<(), DatasetError> {
    for path in entries(directory)? {
        let name = format!("{prefix}/{}", file_name(&path));
        if path.is_dir() && depth > 0 {
            images(&path, &name, depth - 1, found, left_out)?;
        } else if is_image_file(&path).map_err(DatasetError::read_error(&path))? {
            found.push((name, path));
        } else {
            left_out.add(&path);
        }
    }
    Ok(())
}

/// Returns the entries of a directory except hidden ones, whose names begin with a dot.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(DatasetError::read_error(folder))? {
        let path = entry.map_err(DatasetError::read_error(folder))?.path();
        if !file_name(&path).starts_with('.') {
            paths.push(path);
        }
    }
    Ok(paths)
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}
