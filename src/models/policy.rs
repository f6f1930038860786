//! Version policies: which versions of a model are loaded.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use super::{ModelVersion, name::ModelName};

/// Selects versions of a model, like Triton's version policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionPolicy {
    /// The n highest versions that can be loaded; n is at least 1.
    Latest(usize),
    /// All versions.
    All,
    /// These versions; `none` is an empty set.
    Specific(BTreeSet<ModelVersion>),
}

impl VersionPolicy {
    /// Returns whether a version is selected while this number of higher versions serves.
    fn selects(&self, version: ModelVersion, higher: usize) -> bool {
        match self {
            Self::Latest(count) => higher < *count,
            Self::All => true,
            Self::Specific(versions) => versions.contains(&version),
        }
    }
}

impl FromStr for VersionPolicy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "expected latest, latest:N, all, none or versions such as 1,3";
        match text.split_once(':') {
            None if text == "latest" => return Ok(Self::Latest(1)),
            None if text == "all" => return Ok(Self::All),
            None if text == "none" => return Ok(Self::Specific(BTreeSet::new())),
            Some(("latest", count)) => {
                let count = count.parse().ok().filter(|&count: &usize| count > 0);
                return count.map(Self::Latest).ok_or_else(|| expected.to_owned());
            }
            _ => {}
        }
        let versions: Result<BTreeSet<ModelVersion>, _> = text.split(',').map(str::parse).collect();
        versions
            .map(Self::Specific)
            .map_err(|_| expected.to_owned())
    }
}

/// A policy for one model or, without a name, for the models without a policy of their own: `[NAME=]POLICY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyChoice {
    /// The model; `None` stands for all other models.
    pub model: Option<String>,
    /// The policy.
    pub policy: VersionPolicy,
}

impl FromStr for PolicyChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.rsplit_once('=') {
            Some(("", _)) => Err("expected NAME=POLICY".to_owned()),
            Some((model, policy)) => Ok(Self {
                model: Some(model.to_owned()),
                policy: policy.parse()?,
            }),
            None => Ok(Self {
                model: None,
                policy: text.parse()?,
            }),
        }
    }
}

/// The policies of all models, and the versions that flags refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionPolicies {
    default: VersionPolicy,
    by_model: BTreeMap<String, VersionPolicy>,
    /// Versions that the default model and the aliases refer to. They are always selected.
    referenced: BTreeMap<String, BTreeSet<ModelVersion>>,
}

impl VersionPolicies {
    /// Combines the choices with the versions that the default model and the aliases refer to. The default policy is
    /// `latest`.
    ///
    /// # Errors
    /// Returns the name of a model with two policies, or `all models` if there are two default policies.
    pub fn new<'a>(
        choices: &[PolicyChoice],
        references: impl IntoIterator<Item = &'a ModelName>,
    ) -> Result<Self, String> {
        let (mut default, mut by_model) = (None, BTreeMap::new());
        for PolicyChoice { model, policy } in choices {
            let before = match model {
                None => default.replace(policy.clone()),
                Some(model) => by_model.insert(model.clone(), policy.clone()),
            };
            if before.is_some() {
                return Err(model.clone().unwrap_or_else(|| "all models".to_owned()));
            }
        }
        let mut referenced = BTreeMap::<String, BTreeSet<ModelVersion>>::new();
        for ModelName { name, version } in references {
            referenced.entry(name.clone()).or_default().extend(version);
        }
        Ok(Self {
            default: default.unwrap_or(VersionPolicy::Latest(1)),
            by_model,
            referenced,
        })
    }

    /// Returns whether a version is selected while the versions in `serving` serve. The pinned version is always selected, and
    /// `latest` then counts from it downwards, because newer versions have not been promoted yet.
    pub fn selects(
        &self,
        model: &str,
        version: ModelVersion,
        serving: &BTreeSet<ModelVersion>,
        pin: Option<ModelVersion>,
    ) -> bool {
        let policy = self.by_model.get(model).unwrap_or(&self.default);
        let up_to_pin = |version: ModelVersion| pin.is_none_or(|pin| version <= pin);
        let is_too_new = matches!(policy, VersionPolicy::Latest(_)) && !up_to_pin(version);
        let higher = serving
            .iter()
            .filter(|serving| up_to_pin(**serving))
            .count();
        (!is_too_new && policy.selects(version, higher))
            || pin == Some(version)
            || self
                .referenced
                .get(model)
                .is_some_and(|versions| versions.contains(&version))
    }

    /// Returns the versions of a model that are selected if all of them can be loaded, in loading order.
    pub fn selected<'a, T>(
        &self,
        model: &str,
        versions: &'a BTreeMap<ModelVersion, T>,
        pin: Option<ModelVersion>,
    ) -> Vec<(ModelVersion, &'a T)> {
        let (mut serving, mut selected) = (BTreeSet::new(), Vec::new());
        for (version, value) in loading_order(versions, pin) {
            if self.selects(model, version, &serving, pin) {
                serving.insert(version);
                selected.push((version, value));
            }
        }
        // Neither the pinned version nor a lower one exists, so the pin is ignored.
        if selected.is_empty() && pin.is_some() {
            return self.selected(model, versions, None);
        }
        selected
    }
}

/// Returns the pinned version, then the others in descending order.
pub(super) fn loading_order<T>(
    versions: &BTreeMap<ModelVersion, T>,
    pin: Option<ModelVersion>,
) -> impl Iterator<Item = (ModelVersion, &T)> {
    let pinned = pin.and_then(|pin| versions.get_key_value(&pin));
    let others = versions
        .iter()
        .rev()
        .filter(move |(version, _)| pin != Some(**version));
    pinned
        .into_iter()
        .chain(others)
        .map(|(version, value)| (*version, value))
}

#[cfg(test)]
mod tests;
