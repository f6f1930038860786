//! The range of an activation tensor, and its mapping to uint8.

/// The range of a tensor's values. It contains 0, because zero padding and ReLU need an exact 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    low: f32,
    high: f32,
}

/// The affine mapping `real = scale * (stored - zero_point)` of uint8 values (Jacob et al. 2018, section 2.1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mapping {
    pub(super) scale: f32,
    pub(super) zero_point: u8,
}

impl Range {
    /// Returns the smallest range that contains 0, `low` and `high`.
    pub fn new(low: f32, high: f32) -> Self {
        Self {
            low: low.min(0.0),
            high: high.max(0.0),
        }
    }

    /// Returns the lower end, at most 0.
    pub fn low(self) -> f32 {
        self.low
    }

    /// Returns the upper end, at least 0.
    pub fn high(self) -> f32 {
        self.high
    }

    /// Returns the mapping of this range to 0..=255. The zero point is rounded, so that 0 is represented exactly. A tensor that is
    /// always 0 has scale 1.
    pub(super) fn mapping(self) -> Mapping {
        let width = f64::from(self.high) - f64::from(self.low);
        // A subnormal scale would make its inverse infinite.
        let scale = (width / f64::from(u8::MAX)) as f32;
        let scale = if scale.is_normal() { scale } else { 1.0 };
        let zero_point = (-f64::from(self.low) / f64::from(scale)).round_ties_even();
        Mapping {
            scale,
            // The cast saturates.
            zero_point: zero_point as u8,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn positive_range_has_zero_point_0() {
        let mapping = Range::new(0.5, 51.0).mapping();
        assert_eq!(mapping.zero_point, 0);
        assert!((mapping.scale - 0.2).abs() < 1e-7, "{mapping:?}");
    }

    #[test]
    fn zero_point_is_rounded_half_to_even() {
        // The scale is 1, so the zero point is the negated lower end.
        let at = |low: f32| Range::new(low, 255.0 + low).mapping();
        assert_eq!([at(-2.5), at(-3.5)].map(|m| m.zero_point), [2, 4]);
        assert_eq!(at(-2.5).scale, 1.0);
    }

    #[test]
    fn constant_zero_and_negative_ranges_are_mapped() {
        let of = |low, high| Range::new(low, high).mapping();
        let zero = Mapping {
            scale: 1.0,
            zero_point: 0,
        };
        assert_eq!(of(0.0, 0.0), zero);
        assert_eq!(of(0.0, 1e-42), zero);
        assert_eq!(of(-10.0, -5.0).zero_point, 255);
    }

    proptest! {
        #[test]
        fn values_in_range_have_error_of_at_most_one_step(
            a in -1e4f32..1e4, b in -1e4f32..1e4, share in 0f32..1.0,
        ) {
            let range = Range::new(a.min(b), a.max(b));
            let Mapping { scale, zero_point } = range.mapping();
            let value = range.low() + share * (range.high() - range.low());
            let stored = ((value / scale).round_ties_even() + f32::from(zero_point)).clamp(0.0, 255.0);
            let restored = (stored - f32::from(zero_point)) * scale;
            // Half a step by rounding, and half a step at the ends because the zero point is rounded.
            prop_assert!((restored - value).abs() <= scale * 1.01, "{value} {restored} {scale}");
        }
    }
}
