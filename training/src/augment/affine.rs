//! Rotation, scale, shift and mirror image as one affine map.

use mien_faces::image::Face;
use rand::{Rng, RngExt};

use super::{Augment, symmetric};

/// Maps pixels of the result to the source: `source = m * (pixel - centre) + centre + t`.
pub(super) struct AffineMap {
    m: [[f32; 2]; 2],
    t: [f32; 2],
}

impl AffineMap {
    /// Draws a random map.
    pub(super) fn draw(augment: &Augment, side: usize, rng: &mut impl Rng) -> Self {
        let mirror = if augment.flip > 0.0 && rng.random_bool(augment.flip) {
            -1.0
        } else {
            1.0
        };
        // With `warp = 1` no number is drawn, so that the following numbers equal those of recipes without the key.
        if augment.warp < 1.0 && !rng.random_bool(augment.warp) {
            return Self {
                m: [[mirror, 0.0], [0.0, 1.0]],
                t: [0.0, 0.0],
            };
        }
        let (sin, cos) = symmetric(augment.rotation, rng).to_radians().sin_cos();
        let zoom = 1.0 / (1.0 + symmetric(augment.scale, rng));
        let mut shift = || symmetric(augment.shift, rng) * side as f32;
        let t = [shift(), shift()];
        Self {
            m: [
                [mirror * cos * zoom, -sin * zoom],
                [mirror * sin * zoom, cos * zoom],
            ],
            t,
        }
    }

    /// Samples the source bilinearly. Pixels beyond the border repeat the nearest pixel.
    pub(super) fn sample(&self, face: &Face, out: &mut [f32]) {
        let (side, pixels) = (face.side(), face.pixels());
        let centre = (side as f32 - 1.0) / 2.0;
        let last = side as f32 - 1.0;
        let [[a, b], [c, d]] = self.m;
        for (row, line) in out.chunks_exact_mut(side).enumerate() {
            let y = row as f32 - centre;
            for (column, value) in line.iter_mut().enumerate() {
                let x = column as f32 - centre;
                let sx = (a * x + b * y + centre + self.t[0]).clamp(0.0, last);
                let sy = (c * x + d * y + centre + self.t[1]).clamp(0.0, last);
                let (x0, y0) = (sx as usize, sy as usize);
                let (x1, y1) = ((x0 + 1).min(side - 1), (y0 + 1).min(side - 1));
                let (fx, fy) = (sx - x0 as f32, sy - y0 as f32);
                let at = |x, y| f32::from(pixels[y * side + x]);
                let top = at(x0, y0) + (at(x1, y0) - at(x0, y0)) * fx;
                let bottom = at(x0, y1) + (at(x1, y1) - at(x0, y1)) * fx;
                *value = top + (bottom - top) * fy;
            }
        }
    }
}
