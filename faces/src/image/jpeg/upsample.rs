//! Upsampling of subsampled components, equal to the "fancy" upsampling of libjpeg: a triangle filter for factors of 2, and
//! replication for others.

use super::planes::Plane;

/// Writes row `y` of the image at full width to `output`, which may be shorter than the upsampled row.
pub(super) fn row(plane: &Plane, y: usize, is_smooth: bool, output: &mut [u8]) {
    let own = y / plane.rows_per_sample;
    let line = |row: usize| {
        let start = row.min(plane.height - 1) * plane.stride;
        &plane.samples[start..start + plane.width]
    };
    // The nearest other row, above for even and below for odd rows of the image.
    let is_upper = y.is_multiple_of(2);
    let other = if is_upper {
        own.saturating_sub(1)
    } else {
        own + 1
    };
    let is_wide = plane.width > 2;
    match (plane.columns_per_sample, plane.rows_per_sample) {
        (1, 1) => output.copy_from_slice(&line(own)[..output.len()]),
        (2, 1) if is_smooth && is_wide => double_columns(line(own), output),
        (1, 2) if is_smooth => {
            let bias = if is_upper { 1 } else { 2 };
            let pairs = line(own).iter().zip(line(other));
            for (pixel, (&own, &other)) in output.iter_mut().zip(pairs) {
                *pixel = narrow((3 * u16::from(own) + u16::from(other) + bias) >> 2);
            }
        }
        (2, 2) if is_smooth && is_wide => double_both(line(own), line(other), output),
        (columns, _) => {
            for (pixels, &sample) in output.chunks_mut(columns).zip(line(own)) {
                pixels.fill(sample);
            }
        }
    }
}

fn narrow(value: u16) -> u8 {
    u8::try_from(value).expect("a weighted mean of bytes is a byte")
}

/// Doubles the columns with the weights 3/4 and 1/4.
fn double_columns(samples: &[u8], output: &mut [u8]) {
    let last = samples.len() - 1;
    for (x, pixels) in output.chunks_mut(2).enumerate() {
        let own = 3 * u16::from(samples[x]);
        let left = if x == 0 {
            samples[0]
        } else {
            narrow((own + u16::from(samples[x - 1]) + 1) >> 2)
        };
        pixels[0] = left;
        if let Some(right) = pixels.get_mut(1) {
            *right = if x == last {
                samples[last]
            } else {
                narrow((own + u16::from(samples[x + 1]) + 2) >> 2)
            };
        }
    }
}

/// Doubles rows and columns; `other` is the nearest row of the plane that does not contain the row of the image.
fn double_both(own: &[u8], other: &[u8], output: &mut [u8]) {
    let sum = |x: usize| 3 * u16::from(own[x]) + u16::from(other[x]);
    let last = own.len() - 1;
    for (x, pixels) in output.chunks_mut(2).enumerate() {
        let here = sum(x);
        pixels[0] = narrow(if x == 0 {
            (4 * here + 8) >> 4
        } else {
            (3 * here + sum(x - 1) + 8) >> 4
        });
        if let Some(right) = pixels.get_mut(1) {
            *right = narrow(if x == last {
                (4 * here + 7) >> 4
            } else {
                (3 * here + sum(x + 1) + 7) >> 4
            });
        }
    }
}
