use proptest::prelude::*;

use super::*;

const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn key(fields: &str) -> String {
    format!("[[key]]\nname = \"camera\"\nsha256 = \"{HASH}\"\nscopes = [\"infer\"]\n{fields}\n")
}

#[test]
fn all_fields_are_parsed() {
    let fields = "images_per_second = 2.5\nburst = 10\nconcurrent_images = 4";
    let entries = parse(&key(fields)).unwrap();
    let expected = KeyEntry {
        name: "camera".to_owned(),
        sha256: hex::decode(HASH).unwrap().try_into().unwrap(),
        scopes: vec![Scope::Infer],
        limits: LimitSettings {
            rate: Some(Rate {
                images_per_second: 2.5,
                burst: 10,
            }),
            concurrent_images: Some(4),
        },
    };
    assert_eq!(entries, [expected]);
}

#[test]
fn burst_defaults_to_images_of_a_second() {
    for (rate, burst) in [("2.5", 3), ("0.1", 1), ("20", 20)] {
        let entries = parse(&key(&format!("images_per_second = {rate}"))).unwrap();
        assert_eq!(entries[0].limits.rate.unwrap().burst, burst, "{rate}");
    }
    assert_eq!(parse(&key("")).unwrap()[0].limits, LimitSettings::default());
    assert_eq!(parse("").unwrap(), []);
}

#[test]
fn errors_name_key_and_field() {
    for (fields, field) in [
        ("images_per_second = 0", "images_per_second"),
        ("images_per_second = nan", "images_per_second"),
        ("images_per_second = inf", "images_per_second"),
        ("burst = 5", "burst"),
        ("images_per_second = 1\nburst = 0", "burst"),
        ("concurrent_images = 0", "concurrent_images"),
    ] {
        let error = parse(&key(fields)).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("key 1 (`camera`): {field} ")),
            "{error}"
        );
    }
    for (text, field) in [
        (key("").replace("camera", "a b"), "name"),
        (key("").replace("camera", ""), "name"),
        (key("").replace(HASH, "abc"), "sha256"),
        (key("").replace("\"infer\"", ""), "scopes"),
    ] {
        let error = parse(&text).unwrap_err().to_string();
        assert!(error.contains(&format!("`): {field} ")), "{error}");
    }
}

#[test]
fn repeated_names_and_hashes_are_rejected() {
    let twice = format!("{}{}", key(""), key(""));
    let error = parse(&twice).unwrap_err().to_string();
    assert_eq!(error, "key 2 (`camera`): name is used by two keys");
    let other = key("").replace("camera", "other");
    let error = parse(&format!("{}{other}", key(""))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "key 2 (`other`): sha256 is used by two keys"
    );
}

#[test]
fn syntax_errors_have_line_without_content() {
    let text = key("secret = \"mien_abc\"");
    let error = parse(&text).unwrap_err().to_string();
    assert!(error.starts_with("line 5: unknown field"), "{error}");
    assert!(!error.contains("mien_abc"), "{error}");
    let error = parse("[[key]]\nname = 1").unwrap_err().to_string();
    assert!(error.starts_with("line 2: "), "{error}");
}

proptest! {
    #[test]
    fn any_text_is_parsed_without_panic(text in "(\\[\\[key\\]\\]|name|sha256|scopes|burst|=|\"|\n|\\PC){0,40}") {
        let _ = parse(&text);
    }
}
