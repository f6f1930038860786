//! Faces that lie in a data set more than once, and above all in both splits: a model has seen those test faces.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Dataset, Sample, Split};
use crate::{expression::Expression, image::Face};

/// How many faces are there more than once. Two faces are the same where every pixel is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuplicateCounts {
    /// Test faces that also lie in train.
    pub test_in_train: u64,
    /// Those of them that no copy in train bears the same label as.
    pub test_in_train_other_label: u64,
    /// Train faces that also lie in test.
    pub train_in_test: u64,
    /// Train faces that an earlier train face equals.
    pub within_train: u64,
    /// Test faces that an earlier test face equals.
    pub within_test: u64,
}

/// What comparing two splits found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicates {
    /// How many.
    pub counts: DuplicateCounts,
    /// For each test face in order, whether it also lies in train.
    pub test_in_train: Vec<bool>,
}

/// How often pixels occur in train, by label, and in test.
#[derive(Default)]
struct Copies {
    train: [u64; Expression::COUNT],
    test: u64,
}

/// Compares the faces of two splits, pixel by pixel.
pub fn duplicates<'a>(
    train: impl IntoIterator<Item = (&'a Face, Expression)>,
    test: impl IntoIterator<Item = (&'a Face, Expression)>,
) -> Duplicates {
    let mut copies: HashMap<&[u8], Copies> = HashMap::new();
    for (face, label) in train {
        copies.entry(face.pixels()).or_default().train[label.index()] += 1;
    }
    let mut counts = DuplicateCounts::default();
    let mut test_in_train = Vec::new();
    for (face, label) in test {
        let copies = copies.entry(face.pixels()).or_default();
        copies.test += 1;
        let is_in_train = copies.train.iter().sum::<u64>() > 0;
        let same_label = copies.train[label.index()] > 0;
        counts.test_in_train += u64::from(is_in_train);
        counts.test_in_train_other_label += u64::from(is_in_train && !same_label);
        test_in_train.push(is_in_train);
    }
    for Copies { train, test } in copies.values() {
        let train = train.iter().sum::<u64>();
        counts.train_in_test += if *test > 0 { train } else { 0 };
        counts.within_train += train.saturating_sub(1);
        counts.within_test += test.saturating_sub(1);
    }
    Duplicates {
        counts,
        test_in_train,
    }
}

impl Dataset {
    /// The ids of the test images that also lie in train, pixel by pixel as they are stored. Reads every image once and
    /// remembers 32 bytes of each one in train; an image that cannot be read equals none. `go_on` is asked before each.
    ///
    /// `None` where the data set has not both splits, or `go_on` said no.
    pub fn test_in_train(&self, go_on: impl Fn() -> bool) -> Option<HashSet<String>> {
        let [train, test] = [Split::Train, Split::Test].map(|split| self.samples(split));
        if train.is_empty() || test.is_empty() {
            return None;
        }
        let mut known = HashSet::with_capacity(train.len());
        for sample in train {
            go_on().then_some(())?;
            known.extend(sample.pixels_sha256());
        }
        let mut found = HashSet::new();
        for sample in test {
            go_on().then_some(())?;
            if sample
                .pixels_sha256()
                .is_some_and(|pixels| known.contains(&pixels))
            {
                found.insert(sample.id());
            }
        }
        Some(found)
    }
}

impl Sample {
    /// What pictures have in common that are the same in size and in every pixel.
    fn pixels_sha256(&self) -> Option<[u8; 32]> {
        let picture = self.picture().ok()?;
        let mut hash = Sha256::new();
        for side in [picture.width(), picture.height()] {
            hash.update((side as u64).to_le_bytes());
        }
        hash.update(picture.pixels());
        Some(hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_counted_within_and_across_splits() {
        use Expression::{Fear, Happy, Sad};
        let faces: Vec<Face> = (0..5).map(|i| Face::new(1, vec![i]).unwrap()).collect();
        let of = |pairs: &[(usize, Expression)]| {
            pairs
                .iter()
                .map(|&(i, label)| (&faces[i], label))
                .collect::<Vec<_>>()
        };
        let train = of(&[(0, Sad), (0, Sad), (0, Fear), (1, Happy), (2, Happy)]);
        let test = of(&[(3, Sad), (0, Fear), (1, Sad), (4, Sad), (3, Sad)]);
        let found = duplicates(train, test);
        assert_eq!(found.test_in_train, [false, true, true, false, false]);
        let expected = DuplicateCounts {
            test_in_train: 2,
            test_in_train_other_label: 1,
            train_in_test: 4,
            within_train: 2,
            within_test: 1,
        };
        assert_eq!(found.counts, expected);
    }

    /// A data set of faces of 2 x 2 pixels: their usages and levels.
    fn listed(rows: &[(&str, &str)]) -> (tempfile::TempDir, Dataset) {
        let root = tempfile::tempdir().unwrap();
        let lines = rows
            .iter()
            .map(|(usage, pixels)| format!("3,{pixels},{usage}\n"));
        let text = format!("emotion,pixels,Usage\n{}", lines.collect::<String>());
        std::fs::write(root.path().join("fer2013.csv"), text).unwrap();
        let dataset = Dataset::open(root.path()).unwrap();
        (root, dataset)
    }

    #[test]
    fn test_images_that_lie_in_train_are_found_by_their_pixels() {
        let (_root, dataset) = listed(&[
            ("Training", "1 2 3 4"),
            ("Training", "9 9 9 9"),
            ("Training", "1 2 3"),
            ("PublicTest", "4 3 2 1"),
            ("PublicTest", "1 2 3 4"),
            ("PublicTest", "1 2 3"),
            ("PrivateTest", "01 02 03 04"),
        ]);
        let expected = [1, 3].map(|place| dataset.samples(Split::Test)[place].id());
        assert_eq!(
            dataset.test_in_train(|| true),
            Some(HashSet::from(expected))
        );

        let asked = std::cell::Cell::new(0);
        let until = |most| dataset.test_in_train(|| asked.replace(asked.get() + 1) < most);
        assert!((until(6), asked.take(), until(7).is_some()) == (None, 7, true));
        assert_eq!(listed(&[("Training", "1")]).1.test_in_train(|| true), None);
        assert_eq!(
            listed(&[("PublicTest", "1")]).1.test_in_train(|| true),
            None
        );
    }

    #[test]
    fn nothing_has_no_copies() {
        let found = duplicates([], []);
        assert_eq!(
            (found.counts, found.test_in_train.len()),
            (DuplicateCounts::default(), 0)
        );
    }
}
