//! Test-time augmentation: averages the outputs for several views of a face (Krizhevsky et al. 2012, section 4.1).

use mien_faces::image::Face;
use serde::{Deserialize, Serialize};

/// Distance of shifted views, px.
const SHIFT: isize = 2;

/// Test-time augmentation outside the model file: the views of a face whose probabilities are averaged.
/// [`Views`](crate::onnx::views::Views) are averaged inside the model file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tta {
    /// Only the face.
    #[default]
    None,
    /// The face and its mirror image.
    Flip,
    /// The face and its mirror image, each unshifted and shifted by 2 px in four directions: 10 views.
    FlipShift,
}

/// One view of a face.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Mirrored left to right.
    pub flip: bool,
    /// Shift to the right and down, px. Border pixels are repeated.
    pub shift: (isize, isize),
}

impl Tta {
    /// Returns the name in recipes and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Flip => "flip",
            Self::FlipShift => "flip-shift",
        }
    }

    /// Returns the views. The unchanged face is the first one.
    pub fn views(self) -> Vec<View> {
        let shifts = match self {
            Self::None | Self::Flip => vec![(0, 0)],
            Self::FlipShift => vec![(0, 0), (-SHIFT, 0), (SHIFT, 0), (0, -SHIFT), (0, SHIFT)],
        };
        let flips: &[bool] = if self == Self::None {
            &[false]
        } else {
            &[false, true]
        };
        let of = |&flip: &bool| shifts.iter().map(move |&shift| View { flip, shift });
        flips.iter().flat_map(of).collect()
    }
}

impl View {
    /// Returns this view of a face.
    pub fn apply(self, face: &Face) -> Face {
        let side = face.side();
        let last = side as isize - 1;
        let inside = |at: isize| at.clamp(0, last) as usize;
        let mut pixels = Vec::with_capacity(side * side);
        for y in 0..=last {
            let row = &face.pixels()[inside(y - self.shift.1) * side..][..side];
            pixels.extend((0..=last).map(|x| {
                let from = inside(x - self.shift.0);
                row[if self.flip { side - 1 - from } else { from }]
            }));
        }
        Face::new(side, pixels).expect("a view has as many pixels as its face")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_flip_shift_and_repeat_border() {
        let face = Face::new(3, vec![1, 2, 3, 4, 5, 6, 7, 8, 9]).unwrap();
        let seen = |flip, shift| View { flip, shift }.apply(&face).pixels().to_vec();
        assert_eq!(seen(false, (0, 0)), face.pixels());
        assert_eq!(seen(true, (0, 0)), [3, 2, 1, 6, 5, 4, 9, 8, 7]);
        assert_eq!(seen(false, (1, 0)), [1, 1, 2, 4, 4, 5, 7, 7, 8]);
        assert_eq!(seen(false, (0, -1)), [4, 5, 6, 7, 8, 9, 7, 8, 9]);
        assert_eq!(seen(true, (-1, 0)), [2, 1, 1, 5, 4, 4, 8, 7, 7]);
    }

    #[test]
    fn views_are_distinct_and_start_with_plain_face() {
        for (tta, count) in [(Tta::None, 1), (Tta::Flip, 2), (Tta::FlipShift, 10)] {
            let views = tta.views();
            assert_eq!(views.len(), count);
            assert_eq!(
                views[0],
                View {
                    flip: false,
                    shift: (0, 0)
                }
            );
            assert!(
                views
                    .iter()
                    .enumerate()
                    .all(|(i, view)| !views[..i].contains(view))
            );
        }
    }
}
