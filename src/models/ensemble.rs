//! The `[ensemble]` table of a `mien.toml`: a version that averages other models instead of holding a network.

mod member;

use std::collections::BTreeMap;

use serde::Deserialize;

pub use self::member::{Member, MemberName};

/// A checked `[ensemble]` table.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Table")]
pub struct Ensemble {
    /// The members, at least one, each version once.
    pub members: Vec<Share>,
    /// Split -> recorded accuracy, 0 to 1, as in `mien.accuracy` of a model file.
    pub accuracy: BTreeMap<String, f64>,
    /// When the ensemble was made.
    pub created: Option<String>,
}

/// A member and its share of the mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// Which version.
    pub member: MemberName,
    /// In (0, 1]; the weights of all members sum to 1.
    pub weight: f64,
}

/// Why an `[ensemble]` table is invalid.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EnsembleError {
    /// The list is empty.
    #[error("`members` is empty; name at least one model as NAME@VERSION")]
    NoMembers,
    /// A member is not `NAME@VERSION`.
    #[error("member `{0}`: {1}")]
    Name(String, String),
    /// A version is listed more than once.
    #[error("member `{0}` is listed twice; list it once and raise its weight")]
    Twice(MemberName),
    /// There are more or fewer weights than members.
    #[error("`weights` has {weights} values for {members} members; give one per member, or none")]
    Count {
        /// Number of weights.
        weights: usize,
        /// Number of members.
        members: usize,
    },
    /// A weight is zero, negative, infinite or not a number.
    #[error("the weight {weight} of member `{member}` must be positive and finite")]
    Weight {
        /// The member.
        member: MemberName,
        /// Its weight.
        weight: f64,
    },
    /// The sum of the weights, or a weight divided by the sum, is not a positive float64.
    #[error("`weights` cannot be normalised to a sum of 1: they are too large or too different")]
    Range,
    /// An accuracy is not a share.
    #[error("`accuracy` of `{split}` is {accuracy}; it must be between 0 and 1")]
    Accuracy {
        /// The split.
        split: String,
        /// Its accuracy.
        accuracy: f64,
    },
}

/// The table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    members: Vec<String>,
    weights: Option<Vec<f64>>,
    #[serde(default)]
    accuracy: BTreeMap<String, f64>,
    created: Option<String>,
}

impl TryFrom<Table> for Ensemble {
    type Error = EnsembleError;

    fn try_from(table: Table) -> Result<Self, Self::Error> {
        let Table {
            members,
            weights,
            accuracy,
            created,
        } = table;
        let names = names(&members)?;
        let weights = weights.unwrap_or_else(|| vec![1.0; names.len()]);
        let members = share(names, &weights)?;
        for (split, &accuracy) in &accuracy {
            if !(0.0..=1.0).contains(&accuracy) {
                return Err(EnsembleError::Accuracy {
                    split: split.clone(),
                    accuracy,
                });
            }
        }
        Ok(Self {
            members,
            accuracy,
            created,
        })
    }
}

fn names(members: &[String]) -> Result<Vec<MemberName>, EnsembleError> {
    let mut names = Vec::with_capacity(members.len());
    for text in members {
        let name: MemberName = text
            .parse()
            .map_err(|reason| EnsembleError::Name(text.clone(), reason))?;
        if names.contains(&name) {
            return Err(EnsembleError::Twice(name));
        }
        names.push(name);
    }
    if names.is_empty() {
        Err(EnsembleError::NoMembers)
    } else {
        Ok(names)
    }
}

/// Gives each member its weight divided by the sum.
fn share(names: Vec<MemberName>, weights: &[f64]) -> Result<Vec<Share>, EnsembleError> {
    if weights.len() != names.len() {
        return Err(EnsembleError::Count {
            weights: weights.len(),
            members: names.len(),
        });
    }
    for (member, &weight) in names.iter().zip(weights) {
        if !(weight.is_finite() && weight > 0.0) {
            return Err(EnsembleError::Weight {
                member: member.clone(),
                weight,
            });
        }
    }
    let sum: f64 = weights.iter().sum();
    let share = |(member, weight): (MemberName, &f64)| {
        let weight = weight / sum;
        if weight > 0.0 {
            Ok(Share { member, weight })
        } else {
            Err(EnsembleError::Range)
        }
    };
    names.into_iter().zip(weights).map(share).collect()
}

impl Ensemble {
    /// The value of [`Manifest::architecture`](super::manifest::Manifest::architecture) of every ensemble.
    pub const ARCHITECTURE: &str = "ensemble";
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Ensemble, String> {
        toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_owned())
    }

    fn weights(ensemble: &Ensemble) -> Vec<f64> {
        ensemble.members.iter().map(|share| share.weight).collect()
    }

    #[test]
    fn weights_are_normalised_and_equal_by_default() {
        let equal = parse("members = ['a@1', 'b@12']").unwrap();
        assert_eq!(weights(&equal), [0.5, 0.5]);
        assert_eq!(equal.members[1].member.to_string(), "b@12");
        assert_eq!(
            equal,
            parse("members = ['a@1', 'b@12']\nweights = [3, 3.0]").unwrap()
        );
        let text = "members = ['a@1', 'a@2']\nweights = [3, 1]\naccuracy = { test = 0.74 }";
        let other = parse(text).unwrap();
        assert_eq!(
            (weights(&other), other.accuracy["test"]),
            (vec![0.75, 0.25], 0.74)
        );
    }

    #[test]
    fn invalid_tables_are_rejected_with_the_reason() {
        let ab = "members = ['a@1', 'b@1']";
        for (text, reason) in [
            ("", "missing field `members`"),
            ("members = []", "`members` is empty"),
            ("members = 'a@1'", "invalid type"),
            ("members = ['a']", "member `a`: expected NAME@VERSION"),
            ("members = ['@1']", "the model's name is empty"),
            ("members = ['a@0']", "VERSION a positive integer"),
            ("members = ['a@latest']", "VERSION a positive integer"),
            ("members = ['a@1/../2']", "VERSION a positive integer"),
            ("members = ['..@1']", "does not start with `.`"),
            ("members = ['.git@1']", "does not start with `.`"),
            ("members = ['../a@1']", "no `/`"),
            ("members = ['/etc@1']", "no `/`"),
            ("members = ['a\\b@1']", "no `/`, `\\`"),
            (
                "members = ['a@1', 'b@1', 'a@1']",
                "member `a@1` is listed twice",
            ),
            (&format!("{ab}\nweights = [1.0]"), "1 values for 2 members"),
            (&format!("{ab}\nweights = []"), "0 values for 2 members"),
            (
                &format!("{ab}\nweights = [1, 0]"),
                "the weight 0 of member `b@1`",
            ),
            (
                &format!("{ab}\nweights = [-1, 2]"),
                "the weight -1 of member `a@1`",
            ),
            (
                &format!("{ab}\nweights = [1, nan]"),
                "the weight NaN of member `b@1`",
            ),
            (
                &format!("{ab}\nweights = [inf, 1]"),
                "the weight inf of member `a@1`",
            ),
            (
                &format!("{ab}\nweights = [1e308, 1e308]"),
                "cannot be normalised",
            ),
            (
                &format!("{ab}\nweights = [1e-300, 1e300]"),
                "cannot be normalised",
            ),
            (&format!("{ab}\nweights = ['1', '2']"), "invalid type"),
            (
                &format!("{ab}\naccuracy = {{ test = 74.0 }}"),
                "between 0 and 1",
            ),
            (
                &format!("{ab}\naccuracy = {{ test = nan }}"),
                "between 0 and 1",
            ),
            (&format!("{ab}\nmember = 1"), "unknown field `member`"),
        ] {
            let given = parse(text).unwrap_err();
            assert!(given.contains(reason), "{text}: {given}");
        }
    }

    proptest! {
        #[test]
        fn accepted_weights_sum_to_one(
            given in proptest::collection::vec(prop_oneof![any::<f64>(), 0.001..100.0], 1..6)
        ) {
            let names = (0..given.len()).map(|index| format!("m@{}", index + 1)).collect();
            let table = Table {
                members: names,
                weights: Some(given.clone()),
                accuracy: BTreeMap::new(),
                created: None,
            };
            if let Ok(ensemble) = Ensemble::try_from(table) {
                let weights = weights(&ensemble);
                prop_assert!(given.iter().all(|weight| *weight > 0.0));
                prop_assert!(weights.iter().all(|weight| (0.0..=1.0).contains(weight)));
                prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            }
        }

        #[test]
        fn any_table_is_parsed_without_a_panic(text in "\\PC{0,60}") {
            let _ = parse(&text);
            let _ = parse(&format!("members = ['{text}']"));
            let _ = parse(&format!("members = ['a@1']\nweights = [{text}]"));
        }
    }
}
