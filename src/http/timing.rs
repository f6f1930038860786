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
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let (queue, inference) = (ms(queue), ms(inference));
    let text = format!(
        "queue;dur={queue:.3}, preprocess;dur={:.3}, inference;dur={inference:.3}",
        ms(preprocess)
    );
    (SERVER_TIMING, HeaderValue::try_from(text).expect("numbers and words are visible ASCII"))
}
