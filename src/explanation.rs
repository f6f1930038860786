//! Explains the label of a face by occlusion: how much the label's probability decreases if a part of the face is masked.
//!
//! ```text
//! Face -> Occlusion: the face masked at many positions -> Batcher, at background priority -> SaliencyMap -> overlay (PNG)
//! ```
//!
//! This is the occlusion sensitivity of Zeiler and Fergus, *Visualizing and Understanding Convolutional Networks*
//! (ECCV 2014), section 4.2. It needs only the predictions of a model, so it works for every served model.

mod map;
mod occlusion;
mod overlay;
mod run;

pub use map::SaliencyMap;
pub use occlusion::Occlusion;
pub use overlay::overlay;
pub use run::{Explanation, explain};

/// Interpolates linearly between two values; a share of 0 returns the first, 1 the second.
fn lerp(a: f32, b: f32, share: f32) -> f32 {
    a + share * (b - a)
}
