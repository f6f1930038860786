//! Why a model says what it says of a face: how much of a label's probability is lost where the face is covered.
//!
//! ```text
//! Face -> Occlusion: the face covered at each of many places -> Batcher, in the background -> Map -> overlay (PNG)
//! ```
//!
//! This is the occlusion sensitivity of Zeiler and Fergus, *Visualizing and Understanding Convolutional Networks*
//! (ECCV 2014), section 4.2. It asks nothing of a model but answers, so it works for whatever is served.

mod map;
mod occlusion;
mod overlay;
mod run;

pub use map::Map;
pub use occlusion::Occlusion;
pub use overlay::overlay;
pub use run::{Explanation, explain};

/// Between two values: the first for a share of 0, the second for 1.
fn mix(a: f32, b: f32, share: f32) -> f32 {
    a + share * (b - a)
}
