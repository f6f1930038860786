use std::path::Component;

use proptest::prelude::*;

use super::*;
use crate::models::repository::MODEL_FILE;

proptest! {
    #[test]
    fn member_path_is_two_levels_below_root(text in "(\\PC|[./\\\\@0-9a]){0,12}@?[0-9]{0,3}") {
        if let Ok(member) = text.parse::<MemberName>() {
            let repository = Repository::Directory("/models".into());
            let path = repository.member_path(&member).unwrap();
            let below = path.strip_prefix("/models").unwrap();
            let parts: Vec<Component<'_>> = below.components().collect();
            prop_assert!(matches!(parts[..], [Component::Normal(_), Component::Normal(_)]));
            prop_assert_eq!(below.as_os_str().to_str().unwrap().matches('/').count(), 1);
        }
    }
}

fn create(root: &Path, files: &[&str]) {
    for file in files {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
}

/// Creates empty files and returns the repository of the model `m` in their directory.
fn repository(root: &Path, files: &[&str]) -> Arc<Repository> {
    create(root, files);
    let models = BTreeMap::from([("m".to_owned(), root.to_owned())]);
    Arc::new(Repository::Models(models))
}

fn paths(listing: &Listing) -> Vec<(u64, PathBuf)> {
    let versions = listing.models.get("m").into_iter().flatten();
    versions
        .map(|(version, dir)| (version.get(), dir.path.clone()))
        .collect()
}

#[test]
fn list_contains_only_versions() {
    let root = tempfile::tempdir().unwrap();
    for path in ["a/1", "a/10", "a/02", "a/latest", "b/0", "c", ".git/1"] {
        create(root.path(), &[&format!("{path}/{MODEL_FILE}")]);
    }
    fs::create_dir_all(root.path().join("a/3")).unwrap();
    fs::write(root.path().join("README.md"), "").unwrap();
    let list = |root: PathBuf| Arc::new(Repository::Directory(root)).list();
    let listing = list(root.path().to_owned()).unwrap();
    let versions: Vec<_> = listing.models["a"]
        .keys()
        .map(|version| version.get())
        .collect();
    assert_eq!((listing.models.len(), versions), (1, vec![1, 10]));
    assert!(list(root.path().join("none")).is_err());
}

#[test]
fn directory_of_one_model_is_version_1_or_contains_versions() {
    for (files, expected) in [
        (&["model.onnx", "mien.toml"][..], vec![(1, "")]),
        (
            &["1/model.onnx", "12/model.onnx"],
            vec![(1, "1"), (12, "12")],
        ),
        (&["3/model.onnx", "x/model.onnx"], vec![(3, "3")]),
        (&["model.onnx", "2/model.onnx"], vec![(1, "")]),
    ] {
        let root = tempfile::tempdir().unwrap();
        let repository = repository(root.path(), files);
        let found = paths(&repository.list().unwrap());
        let expected = expected.into_iter();
        let expected: Vec<_> = expected
            .map(|(version, path)| (version, root.path().join(path)))
            .collect();
        assert_eq!(found, expected, "{files:?}");
        for (version, path) in expected {
            let version = ModelVersion::of(version);
            assert_eq!(repository.version_path("m", version), Some(path));
        }
        assert_eq!(repository.version_path("n", ModelVersion::FIRST), None);
    }
}

#[test]
fn model_without_version_is_unreadable() {
    let root = tempfile::tempdir().unwrap();
    let empty = repository(root.path(), &["net.onnx"]).list().unwrap();
    assert!(empty.models.is_empty() && empty.unreadable.contains("m"));
    assert_eq!(empty.ignored[0].path, "m/net.onnx");
    let missing = repository(&root.path().join("none"), &[]).list().unwrap();
    assert!(missing.models.is_empty() && missing.unreadable.contains("m"));
}

#[test]
fn versions_next_to_a_model_file_are_ignored() {
    let root = tempfile::tempdir().unwrap();
    let files = ["model.onnx", "2/model.onnx", "data/weights.bin"];
    let listing = repository(root.path(), &files).list().unwrap();
    let ignored: Vec<&str> = listing.ignored.iter().map(|path| &*path.path).collect();
    assert_eq!(ignored, ["m/2"]);
}
