//! Inverse DCT with integers, equal to the "slow" method of libjpeg and, for reduced sizes, to its scaled decoding: C. Loeffler,
//! A. Ligtenberg and G. Moschytz, "Practical fast 1-D DCT algorithms with 11 multiplications", ICASSP 1989, figure 1.

use std::num::Wrapping;

/// Wraps on overflow, which only invalid coefficients cause.
type W = Wrapping<i32>;

/// Fractional bits of the constants.
const CONST_BITS: usize = 13;
/// Additional fractional bits after the first pass.
const PASS1_BITS: usize = 2;

/// Returns a constant with [`CONST_BITS`] fractional bits.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the constants are below 4, so they have at most 15 bits"
)]
const fn fix(value: f64) -> W {
    Wrapping((value * 8192.0 + 0.5) as i32)
}

/// Divides by `1 << bits` and rounds to nearest.
fn descale(value: W, bits: usize) -> W {
    (value + (Wrapping(1) << (bits - 1))) >> bits
}

/// Converts a result of the second pass to a sample.
fn sample(value: W, bits: usize) -> u8 {
    u8::try_from((descale(value, bits).0 + 128).clamp(0, 255)).expect("clamped to a byte")
}

/// Transforms a block of dequantized coefficients to `size` x `size` samples, which are written to `plane` from `start` on.
/// `size` is 1, 2, 4 or 8.
pub(super) fn transform(
    coefficients: &[i16; 64],
    table: &[u16; 64],
    size: usize,
    plane: &mut [u8],
    start: usize,
    stride: usize,
) {
    let at =
        |index: usize| Wrapping(i32::from(coefficients[index])) * Wrapping(i32::from(table[index]));
    if size == 1 || coefficients[1..] == [0; 63] {
        let level = sample(at(0), 3);
        for row in plane[start..].chunks_mut(stride).take(size) {
            row[..size].fill(level);
        }
        return;
    }
    match size {
        8 => two_passes(
            at,
            &[0, 1, 2, 3, 4, 5, 6, 7],
            full,
            (CONST_BITS, 3),
            plane,
            start,
            stride,
        ),
        4 => two_passes(
            at,
            &[0, 1, 2, 3, 5, 6, 7],
            half,
            (CONST_BITS + 1, 3),
            plane,
            start,
            stride,
        ),
        _ => two_passes(
            at,
            &[0, 1, 3, 5, 7],
            quarter,
            (CONST_BITS + 2, 3),
            plane,
            start,
            stride,
        ),
    }
}

/// Applies the one-dimensional transform to the columns and then to the rows.
fn two_passes<const N: usize>(
    at: impl Fn(usize) -> W,
    columns: &[usize],
    transform: impl Fn([W; 8]) -> [W; N],
    (bits, scale): (usize, usize),
    plane: &mut [u8],
    start: usize,
    stride: usize,
) {
    let mut work = [[Wrapping(0); 8]; N];
    for &column in columns {
        let input = std::array::from_fn(|row| at(8 * row + column));
        let output = transform(input);
        for (row, value) in work.iter_mut().zip(output) {
            row[column] = descale(value, bits - PASS1_BITS);
        }
    }
    for (input, output) in work.into_iter().zip(plane[start..].chunks_mut(stride)) {
        for (pixel, value) in output.iter_mut().zip(transform(input)) {
            *pixel = sample(value, bits + PASS1_BITS + scale);
        }
    }
}

/// Eight samples from eight coefficients.
#[inline]
fn full(c: [W; 8]) -> [W; 8] {
    let z1 = (c[2] + c[6]) * fix(0.541_196_100);
    let even2 = z1 - c[6] * fix(1.847_759_065);
    let even3 = z1 + c[2] * fix(0.765_366_865);
    let even0 = (c[0] + c[4]) << CONST_BITS;
    let even1 = (c[0] - c[4]) << CONST_BITS;
    let (sum0, sum3) = (even0 + even3, even0 - even3);
    let (sum1, sum2) = (even1 + even2, even1 - even2);

    let z5 = (c[7] + c[3] + c[5] + c[1]) * fix(1.175_875_602);
    let z1 = (c[7] + c[1]) * fix(0.899_976_223);
    let z2 = (c[5] + c[3]) * fix(2.562_915_447);
    let z3 = z5 - (c[7] + c[3]) * fix(1.961_570_560);
    let z4 = z5 - (c[5] + c[1]) * fix(0.390_180_644);
    let odd0 = c[7] * fix(0.298_631_336) - z1 + z3;
    let odd1 = c[5] * fix(2.053_119_869) - z2 + z4;
    let odd2 = c[3] * fix(3.072_711_026) - z2 + z3;
    let odd3 = c[1] * fix(1.501_321_110) - z1 + z4;
    [
        sum0 + odd3,
        sum1 + odd2,
        sum2 + odd1,
        sum3 + odd0,
        sum3 - odd0,
        sum2 - odd1,
        sum1 - odd2,
        sum0 - odd3,
    ]
}

/// Four samples from eight coefficients; coefficient 4 does not contribute.
#[inline]
fn half(c: [W; 8]) -> [W; 4] {
    let mean = c[0] << (CONST_BITS + 1);
    let even = c[2] * fix(1.847_759_065) - c[6] * fix(0.765_366_865);
    let odd0 = c[5] * fix(1.451_774_981) - c[7] * fix(0.211_164_243) - c[3] * fix(2.172_734_803)
        + c[1] * fix(1.061_594_337);
    let odd2 = c[3] * fix(0.899_976_223) + c[1] * fix(2.562_915_447)
        - c[7] * fix(0.509_795_579)
        - c[5] * fix(0.601_344_887);
    [
        mean + even + odd2,
        mean - even + odd0,
        mean - even - odd0,
        mean + even - odd2,
    ]
}

/// Two samples from eight coefficients; coefficients 2, 4 and 6 do not contribute.
#[inline]
fn quarter(c: [W; 8]) -> [W; 2] {
    let mean = c[0] << (CONST_BITS + 2);
    let odd = c[1] * fix(3.624_509_785) + c[5] * fix(0.850_430_095)
        - c[7] * fix(0.720_959_822)
        - c[3] * fix(1.272_758_580);
    [mean + odd, mean - odd]
}
