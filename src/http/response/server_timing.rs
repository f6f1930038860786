//! The `Server-Timing` header.

use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};

/// Name of the header.
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Creates the header of a classification: time in the queue, of preprocessing and of inference, in milliseconds.
pub(in crate::http) fn server_timing(
    preprocess: Duration,
    queue: Duration,
    inference: Duration,
) -> (HeaderName, HeaderValue) {
    // Integers, because formatting a float takes a microsecond.
    let ms = |time: Duration| (time.as_micros() / 1000, time.as_micros() % 1000);
    let [(q, q_us), (p, p_us), (i, i_us)] = [queue, preprocess, inference].map(ms);
    let text = format!(
        "queue;dur={q}.{q_us:03}, preprocess;dur={p}.{p_us:03}, inference;dur={i}.{i_us:03}"
    );
    (
        SERVER_TIMING,
        HeaderValue::try_from(text).expect("the text is visible ASCII"),
    )
}
