use std::fs;

use tempfile::TempDir;

use super::*;
use crate::metrics::Metrics;

fn entry(name: &str, secret: &str, limits: &str) -> String {
    let hash = secret::sha256(secret);
    format!("[[key]]\nname = \"{name}\"\nsha256 = \"{hash}\"\nscopes = [\"infer\"]\n{limits}\n")
}

fn open(text: &str) -> (TempDir, ApiKeys) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.toml");
    fs::write(&path, text).unwrap();
    let keys = ApiKeys::open(&path, Metrics::new().keys).unwrap();
    (directory, keys)
}

#[test]
fn keys_are_found_by_their_secret_only() {
    let (_directory, keys) = open(&(entry("a", "secret-a", "") + &entry("b", "secret-b", "")));
    for (secret, name) in [("secret-a", "a"), ("secret-b", "b")] {
        assert_eq!(&*keys.find(secret.as_bytes()).unwrap().name, name);
    }
    let hash = secret::sha256("secret-a");
    for wrong in ["", "secret", "secret-a ", "secret-A", "a", &hash] {
        assert!(keys.find(wrong.as_bytes()).is_none(), "{wrong}");
    }
}

#[test]
fn invalid_file_keeps_previous_keys() {
    let (_directory, keys) = open(&entry("a", "secret", ""));
    for invalid in ["[[key]]\nname = \"b\"\n", "\u{0}", "[[key"] {
        fs::write(keys.path(), invalid).unwrap();
        assert!(matches!(keys.reload(), Err(KeyFileError::Invalid { .. })));
        assert!(keys.find(b"secret").is_some());
    }
    fs::remove_file(keys.path()).unwrap();
    assert!(matches!(keys.reload(), Err(KeyFileError::Read { .. })));
    assert!(keys.find(b"secret").is_some());
}

#[test]
fn reload_keeps_counters_of_unchanged_limits() {
    let limits = "images_per_second = 0.001\nburst = 2";
    let (_directory, keys) = open(&entry("a", "secret", limits));
    keys.find(b"secret").unwrap().admit(2).unwrap();
    fs::write(keys.path(), entry("a", "rotated", limits)).unwrap();
    keys.reload().unwrap();
    assert!(keys.find(b"secret").is_none());
    assert!(keys.find(b"rotated").unwrap().admit(1).is_err());
    fs::write(keys.path(), entry("a", "rotated", "concurrent_images = 1")).unwrap();
    keys.reload().unwrap();
    keys.find(b"rotated").unwrap().admit(1).unwrap();
}

#[test]
fn open_connections_of_changed_keys_are_rejected() {
    let (a, b) = (entry("a", "secret-a", ""), entry("b", "secret-b", ""));
    let (_directory, keys) = open(&format!("{a}{b}"));
    let open = |name: &str| keys.find(name.as_bytes()).unwrap();
    let (removed, changed) = (open("secret-a"), open("secret-b"));
    keys.reload().unwrap();
    removed.admit(1).unwrap();
    fs::write(keys.path(), entry("b", "secret-b", "concurrent_images = 1")).unwrap();
    keys.reload().unwrap();
    for key in [removed, changed] {
        assert_eq!(key.admit(1).unwrap_err().kind, LimitKind::Revoked);
    }
    open("secret-b").admit(1).unwrap();
}

#[test]
fn too_large_file_is_rejected() {
    let (_directory, keys) = open("");
    fs::write(keys.path(), "#".repeat((1 << 20) + 1)).unwrap();
    let error = keys.reload().unwrap_err();
    assert!(matches!(error, KeyFileError::Read { .. }), "{error}");
}
