use std::{collections::BTreeMap, sync::Arc};

use super::*;
use crate::models::{
    live::{VersionState, Versions},
    name::ModelName,
};

/// Version 3 of `a` has failed and version 2 is unloaded; `b` is being loaded.
fn snapshot(default: Option<&str>) -> Snapshot {
    let a = [
        (ModelVersion::of(2), VersionState::Unloaded),
        (
            ModelVersion::of(3),
            VersionState::Failed("it is broken".to_owned()),
        ),
    ];
    let b = [(ModelVersion::of(1), VersionState::Loading)];
    let models = [("a", Versions::from(a)), ("b", Versions::from(b))];
    let aliases = [("stable", "a@3"), ("next", "b"), ("gone", "c")];
    let alias =
        |(alias, target): (&str, &str)| (alias.to_owned(), target.parse::<ModelName>().unwrap());
    Snapshot {
        models: models
            .map(|(name, versions)| (name.to_owned(), versions))
            .into(),
        default: default.map(|name| name.parse().unwrap()),
        aliases: Arc::new(aliases.map(alias).into()),
        pins: BTreeMap::from([("a".to_owned(), ModelVersion::of(2))]),
        ignored: [].into(),
    }
}

#[test]
fn unresolved_request_gets_a_reason() {
    let why = |default, name, version| {
        snapshot(default)
            .resolve(name, version)
            .err()
            .unwrap()
            .to_string()
    };
    for (default, name, version, expected) in [
        (
            None,
            None,
            None,
            "the default model is being loaded; try again in a second",
        ),
        (
            Some("b"),
            None,
            None,
            "`b` is being loaded; try again in a second",
        ),
        (Some("a"), None, None, "`a` does not serve: it is broken"),
        (
            Some("a@2"),
            None,
            None,
            "`a@2` does not serve: it is unloaded",
        ),
        (
            Some("stable"),
            None,
            None,
            "`stable@3` does not serve: it is broken",
        ),
        (None, Some("x"), None, "there is no model `x`"),
        (None, Some("a"), Some("1"), "model `a` has no version `1`"),
        (None, Some("a"), Some("02"), "model `a` has no version `02`"),
        (
            None,
            Some("a"),
            Some("2"),
            "`a@2` does not serve: it is unloaded",
        ),
        (
            None,
            Some("next"),
            None,
            "`next` is being loaded; try again in a second",
        ),
        (
            None,
            Some("next"),
            Some("7"),
            "model `b` has no version `7`",
        ),
        (
            None,
            Some("stable"),
            Some("3"),
            "`stable@3` does not serve: it is broken",
        ),
        (
            None,
            Some("stable"),
            Some("2"),
            "alias `stable` refers to `a@3`, not to version `2`",
        ),
        (
            None,
            Some("gone"),
            None,
            "alias `gone` refers to `c`, and there is no model of this name",
        ),
    ] {
        assert_eq!(why(default, name, version), expected);
    }
}

#[test]
fn view_contains_aliases_and_default() {
    let snapshot = snapshot(Some("next"));
    let b = snapshot.model("next").unwrap();
    assert_eq!(
        (b.name.as_str(), b.default, b.versions.len()),
        ("b", true, 1)
    );
    assert_eq!(b.aliases[0].alias, "next");
    assert_eq!((b.pinned, b.serving), (None, None));
    assert_eq!(snapshot.model("a").unwrap().pinned, ModelVersion::new(2));
    assert!(snapshot.model("gone").is_none());
    let defaults: Vec<bool> = snapshot
        .models()
        .iter()
        .map(|model| model.default)
        .collect();
    assert_eq!(defaults, [false, true]);
}
