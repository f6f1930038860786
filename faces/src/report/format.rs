//! Numbers and times of a report as text.

/// Replaces a number that does not exist, such as the precision of a class that was never predicted.
pub const NO_VALUE: &str = "–";

/// Formats a count with thousands separators: `7,178`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a count of images: `1 image`, `7,178 images`.
pub fn images(number: u64) -> String {
    format!(
        "{} {}",
        count(number),
        if number == 1 { "image" } else { "images" }
    )
}

/// Formats a ratio, 0 to 1, in percent with `digits` decimal places: `63.44 %`.
pub fn percent(ratio: impl Into<Option<f64>>, digits: usize) -> String {
    ratio.into().map_or(NO_VALUE.to_owned(), |ratio| {
        format!("{:.digits$} %", 100.0 * ratio)
    })
}

/// Formats an interval of ratios, 0 to 1, in percent: `62.3 – 64.6 %`.
pub fn interval(bounds: Option<[f64; 2]>) -> String {
    bounds.map_or(NO_VALUE.to_owned(), |[low, high]| {
        format!("{:.1} – {:.1} %", 100.0 * low, 100.0 * high)
    })
}

/// Formats a difference of ratios, -1 to 1, in percentage points: `+1.23`, `−0.50`, `±0.00`.
pub fn points(difference: impl Into<Option<f64>>, digits: usize) -> String {
    let Some(difference) = difference.into() else {
        return NO_VALUE.to_owned();
    };
    let size = format!("{:.digits$}", 100.0 * difference.abs());
    let is_zero = size.chars().all(|digit| matches!(digit, '0' | '.'));
    let sign = if is_zero {
        '±'
    } else if difference < 0.0 {
        '−'
    } else {
        '+'
    };
    format!("{sign}{size}")
}

/// Formats a number with three decimal places.
pub fn decimal(number: Option<f64>) -> String {
    number.map_or(NO_VALUE.to_owned(), |number| format!("{number:.3}"))
}

/// Formats the p-value of a test: `p = 0.62`, `p = 0.0312`, `p < 0.0001`.
pub fn p_value(p: f64) -> String {
    match p {
        p if p < 0.0001 => "p < 0.0001".to_owned(),
        p if p < 0.1 => format!("p = {p:.4}"),
        p => format!("p = {p:.2}"),
    }
}

/// Formats a duration in seconds: `24.9 s`, `3 min 5 s`, `2 h 10 min`.
pub fn duration(seconds: f64) -> String {
    // The cast saturates.
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}

/// Formats a rate: `0.42`, `12.3`, `457`.
pub fn rate(number: f64) -> String {
    match number {
        n if n < 1.0 => format!("{n:.2}"),
        n if n < 100.0 => format!("{n:.1}"),
        n => count(n.round() as u64),
    }
}

/// Formats an RFC 3339 time in UTC to the minute: `2026-01-31 14:05 UTC`. Returns any other text unchanged.
pub fn when(time: &str) -> String {
    let parts = time
        .strip_suffix('Z')
        .and_then(|time| Some((time.get(..10)?, time.get(11..16)?)));
    parts.map_or(time.to_owned(), |(date, minutes)| {
        format!("{date} {minutes} UTC")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_rates_have_thousands_separators() {
        let counts = [0, 7, 999, 1000, 7178, 35_887, 1_234_567].map(count);
        assert_eq!(
            counts,
            ["0", "7", "999", "1,000", "7,178", "35,887", "1,234,567"]
        );
        assert_eq!([images(1), images(7178)], ["1 image", "7,178 images"]);
        assert_eq!(
            [0.417, 12.34, 99.96, 1457.4].map(rate),
            ["0.42", "12.3", "100.0", "1,457"]
        );
    }

    #[test]
    fn ratios_are_percent_and_missing_values_dashes() {
        assert_eq!(percent(0.634_438, 2), "63.44 %");
        assert_eq!(
            [
                percent(None, 2),
                interval(None),
                points(None, 2),
                decimal(None)
            ],
            [NO_VALUE; 4]
        );
        assert_eq!(interval(Some([0.623_23, 0.645_5])), "62.3 – 64.5 %");
        let signed = [0.0123, -0.005, 0.000_04, -0.000_04, 0.0].map(|d| points(d, 2));
        assert_eq!(signed, ["+1.23", "−0.50", "±0.00", "±0.00", "±0.00"]);
        let tests = [1.0, 0.0312, 0.0031, 0.000_099].map(p_value);
        assert_eq!(
            tests,
            ["p = 1.00", "p = 0.0312", "p = 0.0031", "p < 0.0001"]
        );
    }

    #[test]
    fn durations_use_largest_unit_and_times_minutes() {
        let times = [0.04, 24.87, 59.4, 185.0, 7800.0].map(duration);
        assert_eq!(
            times,
            ["0.0 s", "24.9 s", "59.4 s", "3 min 5 s", "2 h 10 min"]
        );
        assert!(duration(f64::INFINITY).ends_with(" min"));
        assert_eq!(when("2026-01-31T14:05:59.123Z"), "2026-01-31 14:05 UTC");
        assert_eq!([when("yesterday"), when("")], ["yesterday", ""]);
    }
}
