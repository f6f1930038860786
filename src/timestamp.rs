//! Points in time of records, responses and reports.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A time with a resolution of one millisecond. Its text is RFC 3339 in UTC, for example `2026-01-31T14:05:59.123Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(SystemTime);

/// The text is not a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid time `{0}`")]
pub struct InvalidTimestamp(String);

impl Timestamp {
    /// Returns the current time.
    pub fn now() -> Self {
        SystemTime::now().into()
    }
}

impl From<SystemTime> for Timestamp {
    /// Rounds down to a millisecond. Times before 1970 become 1970.
    fn from(time: SystemTime) -> Self {
        let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let below_millisecond =
            Duration::from_nanos(u64::from(since_epoch.subsec_nanos()) % 1_000_000);
        Self(UNIX_EPOCH + (since_epoch - below_millisecond))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_rfc3339_millis(self.0).fmt(f)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let time = humantime::parse_rfc3339(text);
        time.map(Self::from)
            .map_err(|_| InvalidTimestamp(text.to_owned()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_milliseconds_and_reads_back() {
        let time = UNIX_EPOCH + Duration::new(1_769_868_359, 123_999_999);
        let timestamp = Timestamp::from(time);
        assert_eq!(timestamp.to_string(), "2026-01-31T14:05:59.123Z");
        assert_eq!(timestamp.to_string().parse(), Ok(timestamp));
        let json = serde_json::to_string(&timestamp).unwrap();
        assert_eq!(json, "\"2026-01-31T14:05:59.123Z\"");
        assert_eq!(
            serde_json::from_str::<Timestamp>(&json).ok(),
            Some(timestamp)
        );
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn times_before_1970_become_1970() {
        let before = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(Timestamp::from(before), Timestamp::from(UNIX_EPOCH));
    }
}
