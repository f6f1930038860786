//! Conversion of colours to gray levels with the arithmetic of Pillow.

/// Returns the BT.601 luma of an RGB pixel, 0 to 255, equal to `convert("L")` of Pillow: fixed point with 16 fractional bits,
/// rounded to nearest.
pub(super) fn luma([r, g, b]: [u8; 3]) -> u8 {
    let sum = u32::from(r) * 19_595 + u32::from(g) * 38_470 + u32::from(b) * 7_471 + 0x8000;
    // The weights add up to 65536, so the sum is at most 255.5 * 65536 and the highest byte is 0.
    let [_, _, level, _] = sum.to_le_bytes();
    level
}

#[cfg(test)]
mod tests {
    use super::luma;

    #[test]
    fn weights_are_bt601_rounded_to_nearest() {
        // Expected values: PIL.Image.new("RGB", (1, 1), rgb).convert("L").getpixel((0, 0)).
        for (rgb, gray) in [
            ([255, 0, 0], 76),
            ([0, 255, 0], 150),
            ([0, 0, 255], 29),
            ([255, 255, 255], 255),
            ([1, 0, 0], 0),
            ([0, 1, 0], 1),
            ([200, 100, 50], 124),
        ] {
            assert_eq!(luma(rgb), gray, "{rgb:?}");
        }
    }

    #[test]
    fn gray_stays_gray() {
        for level in 0..=255 {
            assert_eq!(luma([level; 3]), level);
        }
    }
}
