//! The memory that parsing JSON takes in addition to its text.

/// Memory of a string in bytes: a slice of 24 bytes in a list that doubles its capacity, and the image file of 40 bytes that it
/// becomes.
const STRING: usize = 88;

/// Maximum number of elements that are stored. Others are counted only.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ElementLimits {
    /// Maximum number of numbers.
    pub(crate) numbers: usize,
    /// Maximum number of strings.
    pub(crate) strings: usize,
}

/// Returns an upper bound of the memory that the visitors of this module and serde's parser allocate for a JSON text, in bytes.
///
/// All elements but the first follow a comma. The parser keeps one byte per open bracket, or the text of a string with escape
/// sequences, in a buffer that doubles its capacity. Such a string is then copied. Other strings are slices of the text.
pub(crate) fn memory(json: &[u8], limits: ElementLimits) -> usize {
    let (mut commas, mut brackets, mut backslashes) = (0_usize, 0_usize, 0_usize);
    for &byte in json {
        commas += usize::from(byte == b',');
        brackets += usize::from(byte == b'[' || byte == b'{');
        backslashes += usize::from(byte == b'\\');
    }
    let elements = commas + 1;
    // A list doubles its capacity.
    let numbers = elements.min(limits.numbers).next_power_of_two() * size_of::<f64>();
    let strings = elements.min(limits.strings) * STRING;
    let escaped = if backslashes == 0 { 0 } else { json.len() };
    numbers + strings + 2 * brackets.max(escaped) + escaped
}

#[cfg(test)]
mod tests {
    use super::{ElementLimits, memory};

    #[test]
    fn memory_depends_on_elements_and_escapes() {
        let limits = |numbers, strings| ElementLimits { numbers, strings };
        assert_eq!(memory(b"[1,2,3]", limits(100, 2)), 4 * 8 + 2 * 88 + 2);
        assert_eq!(memory(b"[1,2,3]", limits(2, 2)), 2 * 8 + 2 * 88 + 2);
        assert_eq!(memory(b"[[[[", limits(1, 0)), 8 + 8);
        assert_eq!(memory(br#"["\n"]"#, limits(1, 1)), 8 + 88 + 3 * 6);
    }
}
