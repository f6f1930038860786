//! A part of a list, for several processes or machines.

use std::str::FromStr;

/// Part `index` of `count`, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shard {
    index: usize,
    count: usize,
}

/// Maximum number of parts.
const MAX_COUNT: usize = 1_000_000;

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once('/').and_then(|(index, count)| {
            let index = index.parse::<usize>().ok()?;
            let count = count.parse::<usize>().ok()?;
            let is_valid = (1..=MAX_COUNT).contains(&count) && (1..=count).contains(&index);
            is_valid.then(|| Self {
                index: index - 1,
                count,
            })
        });
        parsed.ok_or_else(|| {
            format!("expected I/N with I from 1 to N, and N at most {MAX_COUNT}, such as 1/4")
        })
    }
}

impl Shard {
    /// Selects the items of this part. The errors are in all parts.
    pub(super) fn select<T, E>(
        self,
        items: impl Iterator<Item = Result<T, E>> + Send,
    ) -> impl Iterator<Item = Result<T, E>> + Send {
        let mine = move |(position, item): (usize, Result<T, E>)| {
            (item.is_err() || position % self.count == self.index).then_some(item)
        };
        items.enumerate().filter_map(mine)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_item_is_in_exactly_one_part(length in 0_usize..50, count in 1_usize..9) {
            let mut all = Vec::new();
            for index in 1..=count {
                let shard: Shard = format!("{index}/{count}").parse().unwrap();
                let part: Vec<usize> =
                    shard.select((0..length).map(Ok::<_, ()>)).map(Result::unwrap).collect();
                prop_assert!(part.len().abs_diff(length / count) <= 1);
                prop_assert!(part.is_sorted());
                all.extend(part);
            }
            all.sort_unstable();
            prop_assert_eq!(all, (0..length).collect::<Vec<_>>());
        }
    }

    #[test]
    fn invalid_parts_are_rejected() {
        for text in [
            "",
            "1",
            "0/4",
            "5/4",
            "1/0",
            "-1/4",
            "a/b",
            "1/2/3",
            "1/1000001",
        ] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
