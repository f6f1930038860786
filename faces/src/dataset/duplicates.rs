//! Duplicate faces in a data set. A test face that is also in train was seen in training.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Dataset, Sample, Split};
use crate::{expression::Expression, image::Face};

/// Numbers of duplicate faces. Two faces are duplicates if all pixels are equal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuplicateCounts {
    /// Test faces that are also in train.
    pub test_in_train: u64,
    /// Test faces that are also in train, but only with other labels.
    pub test_in_train_other_label: u64,
    /// Train faces that are also in test.
    pub train_in_test: u64,
    /// Train faces that equal an earlier train face.
    pub within_train: u64,
    /// Test faces that equal an earlier test face.
    pub within_test: u64,
}

/// The duplicates of two splits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicates {
    /// Numbers of duplicates.
    pub counts: DuplicateCounts,
    /// For each test face in order, whether it is also in train.
    pub test_in_train: Vec<bool>,
}

/// Numbers of copies of a face: in train by label, and in test.
#[derive(Default)]
struct Copies {
    train: [u64; Expression::COUNT],
    test: u64,
}

/// Compares all pixels of the faces of two splits.
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
    /// Returns the identifiers of the test images whose stored pixels equal those of a train image. Reads every image once and
    /// keeps 32 bytes per train image in memory. Images that cannot be read are ignored.
    ///
    /// Returns `None` if the data set does not have both splits, or when `should_continue`, which is called before each image,
    /// returns `false`.
    pub fn test_in_train(&self, should_continue: impl Fn() -> bool) -> Option<HashSet<String>> {
        let [train, test] = [Split::Train, Split::Test].map(|split| self.samples(split));
        if train.is_empty() || test.is_empty() {
            return None;
        }
        let mut known = HashSet::with_capacity(train.len());
        for sample in train {
            should_continue().then_some(())?;
            known.extend(sample.pixels_sha256());
        }
        let mut found = HashSet::new();
        for sample in test {
            should_continue().then_some(())?;
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
    /// Returns a hash of the size and all pixels, or `None` if the image cannot be read.
    fn pixels_sha256(&self) -> Option<[u8; 32]> {
        let image = self.read().ok()?;
        let mut hash = Sha256::new();
        for side in [image.width(), image.height()] {
            hash.update((side as u64).to_le_bytes());
        }
        hash.update(image.pixels());
        Some(hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_are_counted_within_and_across_splits() {
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

    /// Creates a data set of faces, given their usages and pixels.
    fn faces(rows: &[(&str, &str)]) -> (tempfile::TempDir, Dataset) {
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
    fn test_images_in_train_are_found_by_pixels() {
        let (_root, dataset) = faces(&[
            ("Training", "1 2 3 4"),
            ("Training", "9 9 9 9"),
            ("Training", "1 2 3"),
            ("PublicTest", "4 3 2 1"),
            ("PublicTest", "1 2 3 4"),
            ("PublicTest", "1 2 3"),
            ("PrivateTest", "01 02 03 04"),
        ]);
        let expected = [1, 3].map(|index| dataset.samples(Split::Test)[index].id());
        assert_eq!(
            dataset.test_in_train(|| true),
            Some(HashSet::from(expected))
        );

        let calls = std::cell::Cell::new(0);
        let stop_after = |max| dataset.test_in_train(|| calls.replace(calls.get() + 1) < max);
        assert!((stop_after(6), calls.take(), stop_after(7).is_some()) == (None, 7, true));
        assert_eq!(faces(&[("Training", "1")]).1.test_in_train(|| true), None);
        assert_eq!(faces(&[("PublicTest", "1")]).1.test_in_train(|| true), None);
    }

    #[test]
    fn empty_splits_have_no_duplicates() {
        let found = duplicates([], []);
        assert_eq!(
            (found.counts, found.test_in_train.len()),
            (DuplicateCounts::default(), 0)
        );
    }
}
