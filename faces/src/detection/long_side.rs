//! The size of the detector's input.

use serde::{Deserialize, Serialize};

/// Maximum length in pixels of the longer side of the copy of a photo in which the detector looks for faces. The detector finds faces of
/// 10 to 300 pixels in this copy. Its time grows with the square of the length.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub enum LongSide {
    /// 320 pixels, for portraits.
    Px320,
    /// 640 pixels.
    #[default]
    Px640,
    /// 1,280 pixels, for crowds.
    Px1280,
}

impl LongSide {
    /// Returns the length in pixels.
    pub const fn pixels(self) -> u32 {
        match self {
            Self::Px320 => 320,
            Self::Px640 => 640,
            Self::Px1280 => 1280,
        }
    }
}

impl From<LongSide> for u32 {
    fn from(side: LongSide) -> Self {
        side.pixels()
    }
}

impl TryFrom<u32> for LongSide {
    type Error = UnknownLongSide;

    fn try_from(pixels: u32) -> Result<Self, Self::Error> {
        [Self::Px320, Self::Px640, Self::Px1280]
            .into_iter()
            .find(|side| side.pixels() == pixels)
            .ok_or(UnknownLongSide(pixels))
    }
}

/// The number of pixels is not a size of the detector's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the detector size {0} is not supported; expected 320, 640 or 1280")]
pub struct UnknownLongSide(pub u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_side_reads_its_three_values_only() {
        for pixels in [320, 640, 1280] {
            assert_eq!(LongSide::try_from(pixels).unwrap().pixels(), pixels);
            let side: LongSide = serde_json::from_str(&pixels.to_string()).unwrap();
            assert_eq!(serde_json::to_string(&side).unwrap(), pixels.to_string());
        }
        let error = serde_json::from_str::<LongSide>("641").unwrap_err();
        assert!(error.to_string().contains("expected 320, 640 or 1280"));
    }
}
