//! Which versions of a model are loaded.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use super::name::{ModelName, parse_version};

/// Which versions of a model are loaded, in the terms of Triton's version policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionPolicy {
    /// The so many highest that load, at least 1.
    Latest(usize),
    /// Every one.
    All,
    /// These; `none` is an empty set.
    Specific(BTreeSet<u64>),
}

impl VersionPolicy {
    /// Whether a version is wanted where `higher` versions serve already.
    pub fn wants(&self, version: u64, higher: usize) -> bool {
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
        let versions: Option<BTreeSet<u64>> = text.split(',').map(parse_version).collect();
        versions
            .map(Self::Specific)
            .ok_or_else(|| expected.to_owned())
    }
}

/// A policy for one model or, without a name, for those that have none of their own: `[NAME=]POLICY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyChoice {
    /// The model.
    pub model: Option<String>,
    /// Its policy.
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

/// The policies of all models, and the versions that are named elsewhere and loaded besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionPolicies {
    general: VersionPolicy,
    own: BTreeMap<String, VersionPolicy>,
    pinned: BTreeMap<String, BTreeSet<u64>>,
}

impl VersionPolicies {
    /// The choices together, and the pins of the default model and the aliases. Models without a choice have
    /// the highest version that loads.
    ///
    /// # Errors
    /// With what is chosen for, where there are two choices for it.
    pub fn new<'a>(
        choices: &[PolicyChoice],
        pins: impl IntoIterator<Item = &'a ModelName>,
    ) -> Result<Self, String> {
        let (mut general, mut own) = (None, BTreeMap::new());
        for PolicyChoice { model, policy } in choices {
            let before = match model {
                None => general.replace(policy.clone()),
                Some(model) => own.insert(model.clone(), policy.clone()),
            };
            if before.is_some() {
                return Err(model.clone().unwrap_or_else(|| "all models".to_owned()));
            }
        }
        let mut pinned = BTreeMap::<String, BTreeSet<u64>>::new();
        for ModelName { name, version } in pins {
            pinned.entry(name.clone()).or_default().extend(version);
        }
        Ok(Self {
            general: general.unwrap_or(VersionPolicy::Latest(1)),
            own,
            pinned,
        })
    }

    /// Whether a version is wanted where those of `serving` serve already. The version that the model is pinned to is
    /// always wanted, and the latest ones are then counted from it down: what is newer has not been let in yet.
    pub fn wants(
        &self,
        model: &str,
        version: u64,
        serving: &BTreeSet<u64>,
        pin: Option<u64>,
    ) -> bool {
        let policy = self.own.get(model).unwrap_or(&self.general);
        let up_to_pin = |version: u64| pin.is_none_or(|pin| version <= pin);
        let is_too_new = matches!(policy, VersionPolicy::Latest(_)) && !up_to_pin(version);
        let higher = serving
            .iter()
            .filter(|serving| up_to_pin(**serving))
            .count();
        (!is_too_new && policy.wants(version, higher))
            || pin == Some(version)
            || self
                .pinned
                .get(model)
                .is_some_and(|pinned| pinned.contains(&version))
    }

    /// The versions of a model that are wanted where every one of them loads, in the order in which they are loaded.
    pub fn wanted<'a, T>(
        &self,
        model: &str,
        versions: &'a BTreeMap<u64, T>,
        pin: Option<u64>,
    ) -> Vec<(u64, &'a T)> {
        let (mut serving, mut wanted) = (BTreeSet::new(), Vec::new());
        for (version, found) in loading_order(versions, pin) {
            if self.wants(model, version, &serving, pin) {
                serving.insert(version);
                wanted.push((version, found));
            }
        }
        // Nothing is there from the pinned version down: whatever is there is better than nothing.
        if wanted.is_empty() && pin.is_some() {
            return self.wanted(model, versions, None);
        }
        wanted
    }
}

/// The version that a model is pinned to, then the others from the highest down.
pub(super) fn loading_order<T>(
    versions: &BTreeMap<u64, T>,
    pin: Option<u64>,
) -> impl Iterator<Item = (u64, &T)> {
    let pinned = pin.and_then(|pin| versions.get_key_value(&pin));
    let others = versions
        .iter()
        .rev()
        .filter(move |(version, _)| pin != Some(**version));
    pinned
        .into_iter()
        .chain(others)
        .map(|(version, found)| (*version, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policies(choices: &[&str], pins: &[&str]) -> Result<VersionPolicies, String> {
        let choices: Vec<PolicyChoice> = choices.iter().map(|text| text.parse().unwrap()).collect();
        let pins: Vec<ModelName> = pins.iter().map(|text| text.parse().unwrap()).collect();
        VersionPolicies::new(&choices, &pins)
    }

    /// The versions of 1 to 5 that are loaded when `broken` ones fail.
    fn loaded(policies: &VersionPolicies, model: &str, broken: &[u64]) -> Vec<u64> {
        let mut served = BTreeSet::new();
        for version in (1..=5).rev() {
            if policies.wants(model, version, &served, None) && !broken.contains(&version) {
                served.insert(version);
            }
        }
        served.into_iter().collect()
    }

    /// The versions of those that are there that are loaded where the model is pinned, in that order.
    fn pinned(policy: &str, named: &[&str], there: &[u64], pin: u64) -> Vec<u64> {
        let versions = there.iter().map(|version| (*version, ())).collect();
        let wanted = policies(&[policy], named)
            .unwrap()
            .wanted("a", &versions, Some(pin));
        wanted.into_iter().map(|(version, ())| version).collect()
    }

    #[test]
    fn the_latest_are_counted_from_the_pinned_version_down() {
        assert_eq!(pinned("latest", &[], &[1, 2, 3, 4], 2), [2]);
        assert_eq!(pinned("latest:2", &[], &[1, 2, 3, 4], 3), [3, 2]);
        assert_eq!(pinned("latest:2", &["a@4"], &[1, 2, 3, 4], 3), [3, 4, 2]);
        assert_eq!(pinned("all", &[], &[1, 2, 3], 2), [2, 3, 1]);
        assert_eq!(pinned("1,3", &[], &[1, 2, 3], 2), [2, 3, 1]);
        // The pinned version is gone: the one below it, and what is above it only where there is no other.
        assert_eq!(pinned("latest", &[], &[1, 2, 4], 3), [2]);
        assert_eq!(pinned("latest", &[], &[4, 5], 3), [5]);
    }

    #[test]
    fn a_policy_of_its_own_goes_before_the_general_one() {
        let policies = policies(&["all", "a=latest", "b=latest:2", "c=1,3"], &[]).unwrap();
        assert_eq!(loaded(&policies, "a", &[]), [5]);
        assert_eq!(loaded(&policies, "b", &[5, 3]), [2, 4]);
        assert_eq!(loaded(&policies, "c", &[1]), [3]);
        assert_eq!(loaded(&policies, "d", &[2]), [1, 3, 4, 5]);
    }

    #[test]
    fn none_loads_pinned_versions_only() {
        let policies = policies(&["none", "c=latest"], &["a@2", "b"]).unwrap();
        assert_eq!(loaded(&policies, "a", &[]), [2]);
        assert_eq!(loaded(&policies, "b", &[]), [0; 0]);
        assert_eq!(loaded(&policies, "c", &[]), [5]);
    }

    #[test]
    fn without_a_choice_the_latest_and_what_is_pinned() {
        let policies = policies(&["c=2"], &["a@2", "a@4", "b", "c@3"]).unwrap();
        assert_eq!(loaded(&policies, "a", &[]), [2, 4, 5]);
        assert_eq!(loaded(&policies, "b", &[5]), [4]);
        assert_eq!(loaded(&policies, "c", &[]), [2, 3]);
    }

    #[test]
    fn wrong_policies_are_refused() {
        for wrong in [
            "", "newest", "latest:0", "latest:x", "0", "1,", "1,a", "=all", "a=", "a=b=c",
        ] {
            assert!(wrong.parse::<PolicyChoice>().is_err(), "{wrong}");
        }
        assert_eq!(policies(&["all", "latest"], &[]).unwrap_err(), "all models");
        assert_eq!(policies(&["a=1", "a=2"], &[]).unwrap_err(), "a");
    }
}
