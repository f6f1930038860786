//! `mien keys new`.

use std::{fs, process::Output};

use super::{KeyFile, status};
use crate::program::mien;

fn new(arguments: &[&str]) -> Output {
    let mut command = mien();
    command.args(["keys", "new"]).args(arguments);
    command.output().unwrap()
}

fn printed(arguments: &[&str]) -> String {
    let output = new(arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[actix_web::test]
async fn created_keys_are_accepted_by_server() {
    let file = KeyFile::new(&[]);
    let path = file.path.to_str().unwrap();
    let first = printed(&["camera", "--file", path]);
    let rate = [
        "--images-per-second=0.5",
        "--burst=8",
        "--concurrent-images=4",
    ];
    let arguments = [
        "board",
        "--scope=metrics",
        "--scope=evaluate",
        "--file",
        path,
    ];
    let second = printed(&[&arguments[..], &rate[..]].concat());
    let text = fs::read_to_string(&file.path).unwrap();
    assert!(!text.contains(first.trim()), "the file contains the key");
    assert!(
        text.ends_with(
            "scopes = [\"metrics\", \"evaluate\"]\nimages_per_second = 0.5\nburst = 8\nconcurrent_images = 4\n"
        ),
        "{text}"
    );
    let app = file.serve(&[]);
    for (path, key, expected) in [
        ("/v1/models", &first, 200),
        ("/metrics", &first, 403),
        ("/metrics", &second, 200),
        ("/v1/datasets", &second, 200),
    ] {
        assert_eq!(
            status(&app, "GET", path, key.trim()).await,
            expected,
            "{path}"
        );
    }
}

#[test]
fn entry_is_printed_without_file() {
    let text = printed(&["camera"]);
    let (key, entry) = text.split_once("\n\n").unwrap();
    assert!(key.starts_with("mien_"), "{text}");
    let hash = mien::auth::keys::secret::sha256(key);
    assert_eq!(
        entry,
        format!("[[key]]\nname = \"camera\"\nsha256 = \"{hash}\"\nscopes = [\"infer\"]\n")
    );
}

#[test]
fn invalid_arguments_leave_file_unchanged() {
    let file = KeyFile::new(&[("camera", "\"infer\"", "")]);
    let before = fs::read_to_string(&file.path).unwrap();
    let path = file.path.to_str().unwrap();
    for (arguments, reason) in [
        (&["a b"][..], "NAME `a b` must be"),
        (&["camera"], "name is used by two keys"),
        (&["x", "--burst=5"], "--burst needs images_per_second"),
        (
            &["x", "--images-per-second=0"],
            "--images-per-second must be",
        ),
    ] {
        let output = new(&[arguments, &["--file", path]].concat());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && error.contains(reason),
            "{error}"
        );
        assert!(output.stdout.is_empty());
        assert_eq!(fs::read_to_string(&file.path).unwrap(), before);
    }
}
