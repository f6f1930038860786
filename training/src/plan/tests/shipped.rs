//! Compares the shipped models with the shipped plan.

use std::collections::BTreeSet;

use super::*;
use crate::plan::state::{self, ExportState};

#[test]
fn shipped_plan_makes_every_shipped_model() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let plan = Plan::read(&repository.join("training/plan.toml")).unwrap();
    let exports = plan.runs().iter().flat_map(|run| &run.exports);
    let exports = exports.map(|export| &export.path);
    let int8 = plan.int8().iter().map(|file| &file.path);
    let ensembles = plan.ensembles().iter();
    let ensembles = ensembles.map(|ensemble| ensemble.path.join("mien.toml"));
    let planned = exports.chain(int8).cloned().chain(ensembles);
    let planned: BTreeSet<PathBuf> = planned.collect();
    let mut shipped = BTreeSet::new();
    for model in fs::read_dir(repository.join("models"))
        .unwrap()
        .map(|model| model.unwrap())
    {
        let versions = fs::read_dir(model.path()).into_iter().flatten();
        for version in versions.map(|version| version.unwrap()) {
            let mut files = ["model.onnx", "mien.toml"].into_iter();
            if let Some(file) = files.find(|file| version.path().join(file).exists()) {
                let names = ["models".into(), model.file_name(), version.file_name()];
                shipped.insert(names.iter().collect::<PathBuf>().join(file));
            }
        }
    }
    assert!(shipped.len() >= 5);
    assert_eq!(planned, shipped);
}

#[test]
fn shipped_models_match_recipes_of_shipped_plan() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let plan = Plan::read(&repository.join("training/plan.toml")).unwrap();
    // The root has no runs, so that only the model files are compared.
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(repository.join("models"), folder.path().join("models")).unwrap();
    let layout = Layout::new(folder.path().to_owned());
    for run in plan.runs() {
        let data = run.exports.first().map(|export| {
            crate::export::Origin::read(&layout.model(&export.path))
                .unwrap()
                .data_sha256
        });
        let state = state::inspect(run, &layout, &data.unwrap_or_default()).unwrap();
        for (export, state) in run.exports.iter().zip(state.exports) {
            assert_eq!(state, ExportState::Current, "{}", export.path.display());
        }
    }
    for file in plan.int8() {
        assert!(file.is_current(&layout), "{}", file.path.display());
    }
    for ensemble in plan.ensembles() {
        assert!(ensemble.is_current(&layout), "{}", ensemble.path.display());
    }
}
