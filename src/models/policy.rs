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
    /// These.
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
        let expected = "expected latest, latest:N, all or versions such as 1,3";
        match text.split_once(':') {
            None if text == "latest" => return Ok(Self::Latest(1)),
            None if text == "all" => return Ok(Self::All),
            Some(("latest", count)) => {
                let count = count.parse().ok().filter(|&count: &usize| count > 0);
                return count.map(Self::Latest).ok_or_else(|| expected.to_owned());
            }
            _ => {}
        }
        let versions: Option<BTreeSet<u64>> = text.split(',').map(parse_version).collect();
        versions.map(Self::Specific).ok_or_else(|| expected.to_owned())
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
            Some((model, policy)) => {
                Ok(Self { model: Some(model.to_owned()), policy: policy.parse()? })
            }
            None => Ok(Self { model: None, policy: text.parse()? }),
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
        Ok(Self { general: general.unwrap_or(VersionPolicy::Latest(1)), own, pinned })
    }

    /// Whether a version is wanted where `higher` versions of the model serve already.
    pub fn wants(&self, model: &str, version: u64, higher: usize) -> bool {
        let policy = self.own.get(model).unwrap_or(&self.general);
        policy.wants(version, higher)
            || self.pinned.get(model).is_some_and(|pinned| pinned.contains(&version))
    }

    /// The versions of a model that are wanted where every one of them loads, from the highest down.
    pub fn wanted<'a, T>(
        &'a self,
        model: &'a str,
        versions: &'a BTreeMap<u64, T>,
    ) -> impl Iterator<Item = (u64, &'a T)> {
        let mut higher = 0;
        versions.iter().rev().filter_map(move |(&version, found)| {
            let wanted = self.wants(model, version, higher);
            higher += usize::from(wanted);
            wanted.then_some((version, found))
        })
    }
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
        let mut served = Vec::new();
        for version in (1..=5).rev() {
            if policies.wants(model, version, served.len()) && !broken.contains(&version) {
                served.insert(0, version);
            }
        }
        served
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
    fn without_a_choice_the_latest_and_what_is_pinned() {
        let policies = policies(&["c=2"], &["a@2", "a@4", "b", "c@3"]).unwrap();
        assert_eq!(loaded(&policies, "a", &[]), [2, 4, 5]);
        assert_eq!(loaded(&policies, "b", &[5]), [4]);
        assert_eq!(loaded(&policies, "c", &[]), [2, 3]);
    }

    #[test]
    fn wrong_policies_are_refused() {
        for wrong in ["", "newest", "latest:0", "latest:x", "0", "1,", "1,a", "=all", "a=", "a=b=c"]
        {
            assert!(wrong.parse::<PolicyChoice>().is_err(), "{wrong}");
        }
        assert_eq!(policies(&["all", "latest"], &[]).unwrap_err(), "all models");
        assert_eq!(policies(&["a=1", "a=2"], &[]).unwrap_err(), "a");
    }
}
