//! Faces that lie in a data set more than once, and above all in both splits: a model has seen those test faces.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{emotion::Emotion, image::Face};

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
    train: [u64; Emotion::COUNT],
    test: u64,
}

/// Compares the faces of two splits, pixel by pixel.
pub fn duplicates<'a>(
    train: impl IntoIterator<Item = (&'a Face, Emotion)>,
    test: impl IntoIterator<Item = (&'a Face, Emotion)>,
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
    Duplicates { counts, test_in_train }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_counted_within_and_across_splits() {
        use Emotion::{Fear, Happy, Sad};
        let faces: Vec<Face> = (0..5).map(|i| Face::new(1, vec![i]).unwrap()).collect();
        let of = |pairs: &[(usize, Emotion)]| {
            pairs.iter().map(|&(i, label)| (&faces[i], label)).collect::<Vec<_>>()
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

    #[test]
    fn nothing_has_no_copies() {
        let found = duplicates([], []);
        assert_eq!((found.counts, found.test_in_train.len()), (DuplicateCounts::default(), 0));
    }
}
