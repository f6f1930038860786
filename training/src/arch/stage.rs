//! Stages of wide networks, and the part of a network's name that describes one.

/// A number of equal layers or blocks at one resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage {
    /// Output channels of each layer or block.
    pub width: usize,
    /// Number of layers or blocks.
    pub depth: usize,
}

/// Maximum width and depth in a name. Wider networks do not fit into memory.
const MAX: usize = 2_048;

impl Stage {
    /// Parses `<width>x<depth>`, such as `64x2`; both numbers are in 1..=2048.
    pub fn parse(text: &str) -> Option<Self> {
        let (width, depth) = text.split_once('x')?;
        Some(Self {
            width: parse_size(width)?,
            depth: parse_size(depth)?,
        })
    }

    /// Parses at least one stage.
    pub fn parse_all(texts: &[&str]) -> Option<Vec<Self>> {
        (!texts.is_empty()).then(|| texts.iter().map(|text| Self::parse(text)).collect())?
    }
}

/// Parses a width or depth in 1..=2048, written without sign or leading zero so that each network has one name.
pub(super) fn parse_size(text: &str) -> Option<usize> {
    let canonical = text.starts_with(|first: char| ('1'..='9').contains(&first));
    text.parse().ok().filter(|size| canonical && *size <= MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stage_parses_only_its_canonical_name() {
        assert_eq!(
            Stage::parse("64x2"),
            Some(Stage {
                width: 64,
                depth: 2
            })
        );
        for text in [
            "64", "x2", "64x", "0x2", "64x0", "064x2", "+64x2", "64x2x2", "64x2049", "64X2", "",
        ] {
            assert_eq!(Stage::parse(text), None, "{text}");
        }
        assert_eq!(Stage::parse_all(&[]), None);
    }
}
