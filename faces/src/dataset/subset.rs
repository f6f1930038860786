//! Reproducible class-mixed subsets of a split.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::{Dataset, Sample, Split};

impl Dataset {
    /// Returns at most `limit` samples of a split in class-mixed order, every class in proportion up to rounding. The choice is the
    /// same each time, because the hashes of the names determine it. A smaller limit returns the first samples of a larger one.
    pub fn subset(&self, split: Split, limit: usize) -> Vec<Sample> {
        let mut by_class: HashMap<_, Vec<_>> = HashMap::new();
        for sample in self.samples(split) {
            by_class
                .entry(sample.expression)
                .or_default()
                .push((Sha256::digest(&sample.name), sample));
        }
        // The r-th of n samples of a class gets the position (2r + 1) / 2n. In this order every prefix is in proportion.
        let mut placed = Vec::new();
        for class in by_class.values_mut() {
            class.sort_unstable_by_key(|(hash, _)| *hash);
            let count = class.len();
            let place = |rank: usize| (2 * rank + 1) as f64 / count as f64;
            placed.extend(
                class
                    .iter()
                    .enumerate()
                    .map(|(rank, (_, sample))| (place(rank), *sample)),
            );
        }
        placed.sort_unstable_by(|(a, s), (b, t)| {
            a.total_cmp(b).then(s.expression.cmp(&t.expression))
        });
        placed
            .into_iter()
            .take(limit)
            .map(|(_, sample)| sample.clone())
            .collect()
    }
}
