//! Divisions of images into groups: a grouping such as `lighting` has groups such as `indoor` and `outdoor`.

mod names;
mod terciles;

use std::collections::BTreeMap;

pub use names::{InvalidName, check_group, check_grouping};
pub use terciles::{BUILT_IN, LEVELS, built_in};

/// Maximum number of groups of a grouping.
pub const MAX_GROUPS: usize = 64;

/// Member value of an image without a group.
const NO_GROUP: u8 = u8::MAX;

/// A division of a list of images into groups. An image has at most one group.
#[derive(Debug, Clone, PartialEq)]
pub struct Grouping {
    name: String,
    groups: Vec<Group>,
    /// Per image the index of its group, or [`NO_GROUP`].
    members: Vec<u8>,
}

/// A group of images.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Name, unique within its grouping.
    pub name: String,
    /// Minimum and maximum of the measured value over the images of the group, if a measurement defines the groups.
    pub range: Option<[f32; 2]>,
}

/// Why a grouping is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidGrouping {
    /// There are too many groups.
    #[error("the grouping `{0}` has more than {MAX_GROUPS} groups; combine values")]
    TooManyGroups(String),
    /// A member is not the index of a group.
    #[error("the grouping `{0}` has a member that is not the index of a group")]
    UnknownGroup(String),
}

impl Grouping {
    /// Creates a grouping from the name of each image's group. The groups are sorted by name, except that `low`, `medium` and `high` are
    /// first and in this order.
    ///
    /// # Errors
    /// Returns an error if there are more than [`MAX_GROUPS`] groups.
    pub fn of_names<'a>(
        name: &str,
        groups: impl IntoIterator<Item = Option<&'a str>>,
    ) -> Result<Self, InvalidGrouping> {
        let of_images: Vec<Option<&str>> = groups.into_iter().collect();
        let mut indexes: BTreeMap<_, u8> = of_images
            .iter()
            .flatten()
            .map(|&group| ((terciles::rank(group), group), NO_GROUP))
            .collect();
        if indexes.len() > MAX_GROUPS {
            return Err(InvalidGrouping::TooManyGroups(name.to_owned()));
        }
        for (index, (_, value)) in (0..).zip(&mut indexes) {
            *value = index;
        }
        let member =
            |group: &Option<&str>| group.map_or(NO_GROUP, |g| indexes[&(terciles::rank(g), g)]);
        let members = of_images.iter().map(member).collect();
        let groups = indexes.keys().map(|&(_, group)| Group {
            name: group.to_owned(),
            range: None,
        });
        Ok(Self {
            name: name.to_owned(),
            groups: groups.collect(),
            members,
        })
    }

    /// Creates a grouping from the names of its groups and the stored [`Self::members`].
    ///
    /// # Errors
    /// Returns an error if there are more than [`MAX_GROUPS`] groups, or if a member is not the index of a group.
    pub fn of_members(
        name: String,
        groups: Vec<String>,
        members: Vec<u8>,
    ) -> Result<Self, InvalidGrouping> {
        if groups.len() > MAX_GROUPS {
            return Err(InvalidGrouping::TooManyGroups(name));
        }
        let is_known = |&member: &u8| member == NO_GROUP || usize::from(member) < groups.len();
        if !members.iter().all(is_known) {
            return Err(InvalidGrouping::UnknownGroup(name));
        }
        let group = |name| Group { name, range: None };
        Ok(Self {
            name,
            groups: groups.into_iter().map(group).collect(),
            members,
        })
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the groups in the order of reports.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Returns the index of the group of an image, or `None` if the image does not have a group or does not exist.
    pub fn group_of(&self, image: usize) -> Option<usize> {
        let &member = self.members.get(image)?;
        (member != NO_GROUP).then_some(member.into())
    }

    /// Returns the name of the group of an image, or `None` if the image does not have a group or does not exist.
    pub fn name_of(&self, image: usize) -> Option<&str> {
        let group = self.group_of(image)?;
        self.groups.get(group).map(|group| group.name.as_str())
    }

    /// Returns the number of images of each group.
    pub fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.groups.len()];
        for &member in &self.members {
            if let Some(count) = counts.get_mut(usize::from(member)) {
                *count += 1;
            }
        }
        counts
    }

    /// Returns one byte per image for storage: the index of the group, or 255 without a group.
    pub fn members(&self) -> &[u8] {
        &self.members
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_sorted_and_levels_are_first() {
        let images = [Some("outdoor"), None, Some("indoor"), Some("outdoor")];
        let grouping = Grouping::of_names("place", images).unwrap();
        let names: Vec<_> = grouping.groups().iter().map(|g| g.name.as_str()).collect();
        assert_eq!(names, ["indoor", "outdoor"]);
        let found: Vec<_> = (0..5).map(|image| grouping.name_of(image)).collect();
        assert_eq!(
            found,
            [Some("outdoor"), None, Some("indoor"), Some("outdoor"), None]
        );

        let levels = [Some("high"), Some("dark"), Some("low"), Some("medium")];
        let grouping = Grouping::of_names("light", levels).unwrap();
        let names: Vec<_> = grouping.groups().iter().map(|g| g.name.as_str()).collect();
        assert_eq!(names, ["low", "medium", "high", "dark"]);
    }

    #[test]
    fn stored_members_give_same_grouping() {
        let images = [Some("b"), None, Some("a")];
        let grouping = Grouping::of_names("x", images).unwrap();
        assert_eq!(grouping.members(), [1, 255, 0]);
        let groups = vec!["a".to_owned(), "b".to_owned()];
        let stored =
            |members: &[u8]| Grouping::of_members("x".to_owned(), groups.clone(), members.to_vec());
        assert_eq!(stored(&[1, 255, 0]), Ok(grouping));
        let unknown = InvalidGrouping::UnknownGroup("x".to_owned());
        assert_eq!(stored(&[1, 2]), Err(unknown));
    }

    #[test]
    fn more_than_maximum_of_groups_is_rejected() {
        let names: Vec<String> = (0..=MAX_GROUPS).map(|n| n.to_string()).collect();
        let grouping = |count: usize| {
            Grouping::of_names("camera", names[..count].iter().map(|n| Some(n.as_str())))
        };
        assert_eq!(grouping(MAX_GROUPS).unwrap().groups().len(), MAX_GROUPS);
        let error = grouping(MAX_GROUPS + 1).unwrap_err().to_string();
        assert!(
            error.contains("`camera` has more than 64 groups"),
            "{error}"
        );
    }
}
