//! Counts the model files of a network that were evaluated on the test faces.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::report;

/// The keys of `report.json` that exports and quantisations have in common.
#[derive(Deserialize)]
struct AnyReport {
    architecture: String,
    #[serde(default)]
    test: serde_json::Value,
}

/// Returns the number of other files of a network in the models folder of `out`, `MODELS/NAME/VERSION/FILE`, whose report
/// has figures on test faces.
pub(super) fn count(out: &Path, architecture: &str) -> usize {
    let Some(own) = out.parent() else { return 0 };
    let Some(models) = own.parent().and_then(Path::parent) else {
        return 0;
    };
    let versions = folders(models).flat_map(|model| folders(&model));
    versions
        .filter(|version| version != own && is_judged(version, architecture))
        .count()
}

/// Returns the entries of a folder; none if it cannot be read.
fn folders(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path()))
}

fn is_judged(version: &Path, architecture: &str) -> bool {
    let text = fs::read(version.join(report::JSON)).unwrap_or_default();
    let report: Option<AnyReport> = serde_json::from_slice(&text).ok();
    report.is_some_and(|report| report.architecture == architecture && !report.test.is_null())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_of_network_with_test_figures_are_counted() {
        let models = tempfile::tempdir().unwrap();
        let add = |version: &str, text: &str| {
            let folder = models.path().join(version);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(report::JSON), text).unwrap();
            folder.join("model.onnx")
        };
        let judged = r#"{"architecture": "a", "test": {"total": 1}}"#;
        add("a/1", judged);
        add("a/2", r#"{"architecture": "a", "test": null}"#);
        add("a/3", "damaged");
        add("b/1", r#"{"architecture": "b", "test": {}}"#);
        add("c/1", judged);
        let out = add("a-int8/1", judged);
        assert_eq!(count(&out, "a"), 2);
        assert_eq!(count(Path::new("model.onnx"), "a"), 0);
    }
}
