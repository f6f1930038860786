//! Parses `grpc-timeout`. tonic enforces the header too late to return a response, so the server applies it itself.

use std::time::Duration;

use tonic::metadata::MetadataMap;

/// Time for the response to reach the client. The server stops this much before the deadline of the client.
const MARGIN: Duration = Duration::from_millis(2);

/// Returns the shorter one of the client's and the server's timeout.
pub(super) fn timeout(metadata: &MetadataMap, max: Duration) -> Duration {
    let given = metadata
        .get("grpc-timeout")
        .and_then(|value| parse(value.to_str().ok()?));
    given.map_or(max, |given| max.min(given.saturating_sub(MARGIN)))
}

/// Parses up to eight digits and a unit.
fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeout_parses_every_unit() {
        for (text, time) in [
            ("2H", Duration::from_secs(7200)),
            ("3M", Duration::from_secs(180)),
            ("4S", Duration::from_secs(4)),
            ("5m", Duration::from_millis(5)),
            ("6u", Duration::from_micros(6)),
            ("99999999n", Duration::from_nanos(99_999_999)),
        ] {
            assert_eq!(parse(text), Some(time), "{text}");
        }
        for wrong in ["", "S", "1", "1s", "-1S", "123456789S", "1\u{e9}"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn shorter_timeout_applies() {
        let mut metadata = MetadataMap::new();
        let max = Duration::from_secs(1);
        assert_eq!(timeout(&metadata, max), max);
        metadata.insert("grpc-timeout", "50m".parse().unwrap());
        assert_eq!(timeout(&metadata, max), Duration::from_millis(48));
        metadata.insert("grpc-timeout", "50S".parse().unwrap());
        assert_eq!(timeout(&metadata, max), max);
    }
}
