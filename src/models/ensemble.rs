//! The `[ensemble]` table of a `mien.toml`: a version that averages other models.

mod member;

use std::collections::BTreeMap;

use serde::Deserialize;

pub use self::member::{Member, MemberName};

/// Maximum number of members. Each worker opens one session per member.
const MAX_MEMBERS: usize = 32;

/// A valid `[ensemble]` table.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Table")]
pub struct Ensemble {
    /// 1 to 32 members; each version is listed once.
    pub members: Vec<Share>,
    /// Split -> recorded accuracy, 0 to 1, like `mien.accuracy` in a model file.
    pub accuracy: BTreeMap<String, f64>,
    /// Time when the ensemble was created.
    pub created: Option<String>,
}

/// A member and its weight.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// The version.
    pub member: MemberName,
    /// Weight in the mean, in (0, 1]. The weights of all members sum to 1.
    pub weight: f64,
}

/// Why an `[ensemble]` table is invalid.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EnsembleError {
    /// The list of members is empty.
    #[error("`members` is empty; list at least one model as NAME@VERSION")]
    NoMembers,
    /// The list of members is too long.
    #[error("`members` has {0} models; the maximum is {MAX_MEMBERS}")]
    TooManyMembers(usize),
    /// A member is not `NAME@VERSION`.
    #[error("member `{0}`: {1}")]
    Name(String, String),
    /// A version is listed more than once.
    #[error("member `{0}` is listed twice; list it once with a larger weight")]
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
    #[error(
        "`weights` cannot be normalised to a sum of 1, because they are too large or too different"
    )]
    Range,
    /// An accuracy is not between 0 and 1.
    #[error("`accuracy` of `{split}` is {accuracy}; it must be between 0 and 1")]
    Accuracy {
        /// The split.
        split: String,
        /// Its accuracy.
        accuracy: f64,
    },
}

/// The fields of the table.
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
        let members = normalize(names, &weights)?;
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
    if members.len() > MAX_MEMBERS {
        return Err(EnsembleError::TooManyMembers(members.len()));
    }
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

/// Divides each weight by the sum of the weights.
fn normalize(names: Vec<MemberName>, weights: &[f64]) -> Result<Vec<Share>, EnsembleError> {
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
    /// The [`Manifest::architecture`](super::manifest::Manifest::architecture) of all ensembles.
    pub const ARCHITECTURE: &str = "ensemble";
}

#[cfg(test)]
mod tests;
