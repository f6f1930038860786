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
fn open_connections_of_revoked_keys_are_rejected() {
    let names = ["removed", "replaced", "limited"];
    let all = names.map(|name| entry(name, &format!("secret-{name}"), ""));
    let (_directory, keys) = open(&all.concat());
    let [removed, replaced, limited] = names.map(|name| {
        let secret = format!("secret-{name}");
        keys.find(secret.as_bytes()).unwrap()
    });
    keys.reload().unwrap();
    removed.admit(1).unwrap();
    let changed = [
        entry("replaced", "another-secret", ""),
        entry("limited", "secret-limited", "concurrent_images = 1"),
    ];
    fs::write(keys.path(), changed.concat()).unwrap();
    keys.reload().unwrap();
    for key in [removed, replaced] {
        assert_eq!(key.admit(1).unwrap_err().kind, LimitKind::Revoked);
    }
    limited.admit(1).unwrap();
}

#[test]
fn open_connections_of_keys_that_lost_a_scope_are_rejected() {
    let key = |scopes: &str| entry("a", "secret", "").replace(r#"["infer"]"#, scopes);
    let (_directory, keys) = open(&key(r#"["infer", "evaluate"]"#));
    let both = keys.find(b"secret").unwrap();
    fs::write(keys.path(), key(r#"["evaluate", "infer", "metrics"]"#)).unwrap();
    keys.reload().unwrap();
    both.admit(1).unwrap();
    fs::write(keys.path(), key(r#"["evaluate"]"#)).unwrap();
    keys.reload().unwrap();
    assert_eq!(both.admit(1).unwrap_err().kind, LimitKind::Revoked);
}

#[test]
fn too_large_file_is_rejected() {
    let (_directory, keys) = open("");
    fs::write(keys.path(), "#".repeat((1 << 20) + 1)).unwrap();
    let error = keys.reload().unwrap_err();
    assert!(matches!(error, KeyFileError::Read { .. }), "{error}");
}
