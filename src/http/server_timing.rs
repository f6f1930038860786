//! The `Server-Timing` header: where a request's time went.

use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};

/// The header's name.
pub const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// The header of a classification: waiting for a worker, making faces of pictures, running the model, in milliseconds.
pub fn server_timing(
    preprocess: Duration,
    queue: Duration,
    inference: Duration,
) -> (HeaderName, HeaderValue) {
    // Whole numbers: printing floats costs a microsecond each.
    let ms = |time: Duration| (time.as_micros() / 1000, time.as_micros() % 1000);
    let [(q, q_us), (p, p_us), (i, i_us)] = [queue, preprocess, inference].map(ms);
    let text = format!(
        "queue;dur={q}.{q_us:03}, preprocess;dur={p}.{p_us:03}, inference;dur={i}.{i_us:03}"
    );
    (SERVER_TIMING, HeaderValue::try_from(text).expect("numbers and words are visible ASCII"))
}
