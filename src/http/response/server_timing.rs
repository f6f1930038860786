//! The `Server-Timing` header.

use std::{fmt::Write as _, time::Duration};

use actix_web::http::header::{HeaderName, HeaderValue};

/// Name of the header.
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Creates the header with the times of the steps of a request, in milliseconds.
pub(in crate::http) fn server_timing(steps: &[(&str, Duration)]) -> (HeaderName, HeaderValue) {
    let mut text = String::new();
    for (name, time) in steps {
        let separator = if text.is_empty() { "" } else { ", " };
        // Integers, because formatting a float takes a microsecond.
        let (ms, us) = (time.as_micros() / 1000, time.as_micros() % 1000);
        write!(text, "{separator}{name};dur={ms}.{us:03}")
            .expect("writing to a string does not fail");
    }
    (
        SERVER_TIMING,
        HeaderValue::try_from(text).expect("the text is visible ASCII"),
    )
}
