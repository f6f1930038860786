//! Facts that documents and the Dockerfile repeat.

use std::{fs, path::Path};

/// Returns model and version of each `mien promote` command, except of placeholders.
fn promotions(document: &str) -> Vec<(&str, &str)> {
    let commands = document.split("target/release/mien promote ").skip(1);
    let words = commands.filter_map(|rest| {
        let mut words = rest.lines().next()?.split_whitespace();
        Some((words.next()?, words.next()?))
    });
    words.filter(|(model, _)| *model != "NAME").collect()
}

#[test]
fn documented_promotions_name_shipped_versions() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["README.md", "docs/getting-started.md"] {
        let document = fs::read_to_string(root.join(name)).unwrap();
        let promotions = promotions(&document);
        assert!(!promotions.is_empty(), "{name}");
        for (model, version) in promotions {
            let file = root
                .join("models")
                .join(model)
                .join(version)
                .join("model.onnx");
            assert!(file.is_file(), "{name}: {model} {version}");
        }
    }
}

#[test]
fn image_labels_match_manifest() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Dockerfile");
    let dockerfile = fs::read_to_string(path).unwrap();
    for (label, value) in [
        ("title", env!("CARGO_PKG_NAME")),
        ("description", env!("CARGO_PKG_DESCRIPTION")),
        ("version", env!("CARGO_PKG_VERSION")),
        ("licenses", env!("CARGO_PKG_LICENSE")),
    ] {
        let label = format!("org.opencontainers.image.{label}=\"{value}\"");
        assert!(dockerfile.contains(&label), "{label}");
    }
}
