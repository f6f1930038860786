use super::*;

fn found(files: &[&str]) -> Vec<(String, String)> {
    let root = tempfile::tempdir().unwrap();
    for file in files {
        let path = root.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    find(root.path())
        .into_iter()
        .map(|ignored| (ignored.path, ignored.expected))
        .collect()
}

#[test]
fn misplaced_models_have_expected_path() {
    for (file, path, expected) in [
        ("net.onnx", "net.onnx", "net/1/model.onnx"),
        ("m/model.onnx", "m/model.onnx", "m/1/model.onnx"),
        ("m/mien.toml", "m/mien.toml", "m/1/mien.toml"),
        ("m/1/net.onnx", "m/1/net.onnx", "m/1/model.onnx"),
        ("m/1/Model.ONNX", "m/1/Model.ONNX", "m/1/model.onnx"),
        ("m/1/model.onnx/x", "m/1", "m/1/model.onnx, or"),
        ("m/1/1/model.onnx", "m/1", "m/1/model.onnx, or"),
        ("m/1/mien.toml", "m/1", "[ensemble]"),
        ("m/v1/model.onnx", "m/v1", "for example m/1"),
        ("m/01/model.onnx", "m/01", "for example m/1"),
        ("m/1.0/x", "m/1.0", "for example m/1"),
        ("m/0/model.onnx", "m/0", "for example m/1"),
        ("m/latest/model.onnx", "m/latest", "for example m/1"),
        ("m/latest/net.onnx", "m/latest", "for example m/1"),
        ("models/m/1/model.onnx", "models/m", "m/VERSION/model.onnx"),
    ] {
        let found = found(&[file]);
        assert_eq!(found.len(), 1, "{file}: {found:?}");
        assert_eq!(found[0].0, path);
        assert!(found[0].1.contains(expected), "{file}: {}", found[0].1);
    }
}

#[test]
fn other_files_and_directories_are_not_reported() {
    let files = [
        "README.md",
        "docs/index.md",
        "m/1/model.onnx",
        "m/1/other.onnx",
        "m/README.md",
        "m/figures/roc.svg",
        ".git/1/net.onnx",
        "m/.new/model.onnx",
    ];
    assert!(found(&files).is_empty());
}

#[test]
fn number_of_reported_paths_is_bounded() {
    let files: Vec<String> = (0..150).map(|n| format!("m{n}/model.onnx")).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    assert_eq!(found(&files).len(), MAX_REPORTED);
}
