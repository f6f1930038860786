//! `<root>/{train,test}/<class>/*.{jpg,png,...}`: the layout of the copies on Kaggle.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{DatasetError, Sample, Source, Split, Usage};
use crate::expression::Expression;

/// Extensions of image files in lower case. Other files, for example `Thumbs.db`, are not listed.
const EXTENSIONS: [&str; 6] = ["bmp", "gif", "jpeg", "jpg", "png", "webp"];

/// Lists one split, unsorted. A missing directory has no samples, because a data set may have test images only.
pub(super) fn list(root: &Path, split: &str) -> Result<Vec<Sample>, DatasetError> {
    let folder = root.join(split);
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut samples = Vec::new();
    let mut classes = 0;
    for path in entries(&folder)?.into_iter().filter(|path| path.is_dir()) {
        let expression = file_name(&path).to_lowercase().parse::<Expression>();
        let Ok(expression) = expression else {
            return Err(DatasetError::UnknownClass { path });
        };
        classes += 1;
        for file in entries(&path)?.into_iter().filter(|path| is_image(path)) {
            let name = file_name(&file);
            samples.push(Sample {
                usage: Usage::of_file(&name),
                name: format!("{split}/{}/{name}", file_name(&path)),
                expression,
                is_train: split == Split::Train.name(),
                position: 0,
                source: Source::File(file),
            });
        }
    }
    if classes == 0 {
        return Err(DatasetError::NoClasses { path: folder });
    }
    if samples.is_empty() {
        let split = if split == "train" {
            Split::Train
        } else {
            Split::Test
        };
        return Err(DatasetError::EmptySplit {
            path: folder,
            split,
        });
    }
    Ok(samples)
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

fn is_image(path: &Path) -> bool {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    extension.is_some_and(|e| EXTENSIONS.contains(&e.as_str()))
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}
