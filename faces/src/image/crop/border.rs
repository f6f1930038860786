//! The gray level of padding.

use std::ops::Range;

use crate::image::DecodedImage;

impl DecodedImage {
    /// Returns the mean gray level of the outermost pixels of a rectangle, rounded to nearest. The rectangle must be within the image
    /// and must not be empty.
    pub(super) fn border_mean(&self, columns: Range<usize>, rows: Range<usize>) -> u8 {
        let (mut sum, mut count) = (0_u64, 0_u64);
        for row in rows.clone() {
            let levels = &self.pixels()[row * self.width()..][columns.clone()];
            let is_outermost = row == rows.start || row + 1 == rows.end;
            let (first, last) = (levels[0], levels[levels.len() - 1]);
            let outermost = match levels {
                _ if is_outermost => levels,
                [level] => std::slice::from_ref(level),
                _ => &[first, last],
            };
            sum += outermost.iter().copied().map(u64::from).sum::<u64>();
            count += outermost.len() as u64;
        }
        u8::try_from((sum + count / 2) / count).expect("the mean of 8-bit levels has 8 bits")
    }
}
