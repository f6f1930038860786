//! What is served at one moment.

use std::{collections::BTreeMap, sync::Arc};

use super::ResolveError;
use crate::models::{
    live::{LiveModel, Phase, VersionState, Versions},
    name::{Alias, ModelName, parse_version},
};

/// A model with its versions, and what else it is called.
#[derive(Clone)]
pub struct ModelView {
    /// Its name.
    pub name: String,
    /// Whether it answers requests that name no model.
    pub default: bool,
    /// Its aliases.
    pub aliases: Vec<Alias>,
    /// Its versions, those that do not serve included.
    pub versions: Versions,
    /// The version that answers requests that name none.
    pub serving: Option<u64>,
    /// The version that it is pinned to.
    pub pinned: Option<u64>,
}

/// What is served at one moment.
#[derive(Clone, Default)]
pub(in crate::models) struct Snapshot {
    pub(in crate::models) models: BTreeMap<String, Versions>,
    /// `None` until it has been chosen.
    pub(in crate::models) default: Option<ModelName>,
    pub(in crate::models) aliases: Arc<BTreeMap<String, ModelName>>,
    /// The versions that answer requests that name none, of models that are pinned.
    pub(in crate::models) pins: BTreeMap<String, u64>,
}

impl Snapshot {
    pub(in crate::models) fn resolve(
        &self,
        name: Option<&str>,
        version: Option<&str>,
    ) -> Result<Arc<LiveModel>, ResolveError> {
        let default = || self.default.as_ref().ok_or(ResolveError::Loading(None));
        let (asked, default_version) = match name {
            Some(name) => (name, None),
            None => default().map(|default| (default.name.as_str(), default.version))?,
        };
        let alias = self.aliases.get(asked);
        let model = alias.map_or(asked, |target| target.name.as_str());
        let Some(versions) = self.models.get(model) else {
            return Err(match alias {
                None => ResolveError::UnknownModel(model.to_owned()),
                Some(target) => {
                    let (alias, target) = (asked.to_owned(), target.to_string());
                    ResolveError::UnknownTarget { alias, target }
                }
            });
        };
        let unknown = |version: &str| {
            let (model, version) = (model.to_owned(), version.to_owned());
            ResolveError::UnknownVersion { model, version }
        };
        let number = match version {
            Some(text) => Some(parse_version(text).ok_or_else(|| unknown(text))?),
            None => default_version,
        };
        let number = match (alias.and_then(|target| target.version), number) {
            (Some(pinned), Some(number)) if pinned != number => {
                let (alias, target) = (asked.to_owned(), format!("{model}@{pinned}"));
                return Err(ResolveError::OtherVersion {
                    alias,
                    target,
                    version: number.to_string(),
                });
            }
            (pinned, number) => pinned.or(number),
        };
        let Some(number) = number else {
            let serving = self.serving(model).cloned();
            return serving.ok_or_else(|| none_serves(asked, versions));
        };
        match versions.get(&number).map(|state| (state, state.live())) {
            Some((_, Some(model))) => Ok(Arc::clone(model)),
            Some((state, None)) => Err(not_serving(asked, Some(number), state)),
            None => Err(unknown(&number.to_string())),
        }
    }

    /// The version of a model that answers requests that name none: of those that serve the one that it is pinned to,
    /// else the highest below that, else the highest.
    pub(in crate::models) fn serving(&self, model: &str) -> Option<&Arc<LiveModel>> {
        let versions = self.models.get(model)?;
        let pin = self.pins.get(model).copied().unwrap_or(u64::MAX);
        let mut let_in = versions.range(..=pin).rev();
        let highest = || versions.values().rev().find_map(VersionState::live);
        let_in.find_map(|(_, state)| state.live()).or_else(highest)
    }

    /// The real name of a model or an alias.
    pub(in crate::models) fn real_name<'a>(&'a self, name: &'a str) -> &'a str {
        self.aliases.get(name).map_or(name, |target| &target.name)
    }

    pub(in crate::models) fn model(&self, name: &str) -> Option<ModelView> {
        let (name, versions) = self.models.get_key_value(self.real_name(name))?;
        Some(self.view(name, versions))
    }

    pub(super) fn models(&self) -> Vec<ModelView> {
        self.models
            .iter()
            .map(|(name, versions)| self.view(name, versions))
            .collect()
    }

    fn view(&self, name: &str, versions: &Versions) -> ModelView {
        let default = self
            .default
            .as_ref()
            .map(|default| self.real_name(&default.name));
        let of_model = self
            .aliases
            .iter()
            .filter(|(_, target)| target.name == name);
        let alias = |(alias, target): (&String, &ModelName)| Alias {
            alias: alias.clone(),
            target: target.clone(),
        };
        ModelView {
            name: name.to_owned(),
            default: default == Some(name),
            aliases: of_model.map(alias).collect(),
            versions: versions.clone(),
            serving: self.serving(name).map(|model| model.version),
            pinned: self.pins.get(name).copied(),
        }
    }

    /// Every version that serves.
    pub(in crate::models) fn live(&self) -> impl Iterator<Item = &Arc<LiveModel>> {
        self.models
            .values()
            .flat_map(BTreeMap::values)
            .filter_map(VersionState::live)
    }
}

fn not_serving(asked: &str, version: Option<u64>, state: &VersionState) -> ResolveError {
    let model = match version {
        Some(version) => format!("{asked}@{version}"),
        None => asked.to_owned(),
    };
    let reason = match state.phase() {
        Phase::Loading | Phase::Ready => return ResolveError::Loading(Some(model)),
        Phase::Failed => state.problem().unwrap_or_default().to_owned(),
        Phase::Unloading | Phase::Unloaded => "it is unloaded".to_owned(),
    };
    ResolveError::NotServing { model, reason }
}

/// Why no version of a model serves: one is on its way, else the highest that failed, else none was asked for.
fn none_serves(asked: &str, versions: &Versions) -> ResolveError {
    let in_phase = |phase| versions.values().rev().find(|state| state.phase() == phase);
    let state = in_phase(Phase::Loading).or_else(|| in_phase(Phase::Failed));
    not_serving(asked, None, state.unwrap_or(&VersionState::Unloaded))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a` failed with version 3 and has 2 unloaded, `b` is being loaded.
    fn snapshot(default: Option<&str>) -> Snapshot {
        let a = [
            (2, VersionState::Unloaded),
            (3, VersionState::Failed("it is broken".to_owned())),
        ];
        let b = [(1, VersionState::Loading)];
        let models = [("a", Versions::from(a)), ("b", Versions::from(b))];
        let aliases = [("stable", "a@3"), ("next", "b"), ("gone", "c")];
        let alias = |(alias, target): (&str, &str)| {
            (alias.to_owned(), target.parse::<ModelName>().unwrap())
        };
        Snapshot {
            models: models
                .map(|(name, versions)| (name.to_owned(), versions))
                .into(),
            default: default.map(|name| name.parse().unwrap()),
            aliases: Arc::new(aliases.map(alias).into()),
            pins: BTreeMap::from([("a".to_owned(), 2)]),
        }
    }

    #[test]
    fn says_why_a_model_does_not_answer() {
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
                "`stable` stands for `a@3`, which is not version `2`",
            ),
            (
                None,
                Some("gone"),
                None,
                "`gone` stands for `c`, and there is no such model",
            ),
        ] {
            assert_eq!(why(default, name, version), expected);
        }
    }

    #[test]
    fn a_model_is_seen_with_its_aliases() {
        let snapshot = snapshot(Some("next"));
        let b = snapshot.model("next").unwrap();
        assert_eq!(
            (b.name.as_str(), b.default, b.versions.len()),
            ("b", true, 1)
        );
        assert_eq!(b.aliases[0].alias, "next");
        assert_eq!((b.pinned, b.serving), (None, None));
        assert_eq!(snapshot.model("a").unwrap().pinned, Some(2));
        assert!(snapshot.model("gone").is_none());
        let defaults: Vec<bool> = snapshot
            .models()
            .iter()
            .map(|model| model.default)
            .collect();
        assert_eq!(defaults, [false, true]);
    }
}
