//! The rate at which frames are classified.

use std::time::Duration;

/// Maximum number of frames per second.
const MAX_RATE: f64 = 1000.0;

/// A number of frames per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct FrameRate(f64);

impl Default for FrameRate {
    /// Five frames per second.
    fn default() -> Self {
        Self(5.0)
    }
}

impl FrameRate {
    /// Returns the rate of frames at an interval.
    pub(super) fn every(interval: Duration) -> Self {
        Self((1.0 / interval.as_secs_f64()).min(MAX_RATE))
    }

    /// Parses a number of frames per second.
    ///
    /// # Errors
    /// Returns an error if it is not greater than 0 or exceeds the maximum.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(rate) if rate > 0.0 && rate <= MAX_RATE => Ok(Self(rate)),
            _ => Err(format!(
                "expected a number greater than 0 and at most {MAX_RATE}"
            )),
        }
    }

    /// Returns the time of the frame with this number, from 0.
    pub(super) fn time(self, frame: u64) -> Duration {
        Duration::from_secs_f64(frame as f64 / self.0)
    }
}

impl std::fmt::Display for FrameRate {
    /// Writes the rate as ffmpeg reads it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_have_times_of_rate() {
        let rate = FrameRate::parse("2.5").unwrap();
        assert_eq!(rate.time(0), Duration::ZERO);
        assert_eq!(rate.time(5), Duration::from_secs(2));
        let rate = FrameRate::every(Duration::from_secs(2));
        assert_eq!(
            (rate.to_string().as_str(), rate.time(3).as_secs()),
            ("0.5", 6)
        );
    }

    #[test]
    fn invalid_rates_are_rejected() {
        for text in ["0", "-1", "1001", "NaN", "inf", "many"] {
            assert!(FrameRate::parse(text).is_err(), "{text}");
        }
    }
}
