//! `GET /v1/live`: a WebSocket (RFC 6455) that receives the frames of a video and responds with the faces of each frame.
//!
//! ```text
//! frame -> assembler -> Mailbox, which keeps the newest frame -> Analyzer -> session -> PacedBody
//! ```

mod analyzer;
mod assembler;
mod document;
mod end;
mod frame_limit;
mod mailbox;
mod paced_body;
mod query;
mod rate;
mod session;

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use actix_ws::handle_with_protocols;
use tracing::Instrument;

use self::{
    analyzer::Analyzer,
    document::LiveFrame,
    frame_limit::with_frame_limit,
    paced_body::PacedBody,
    query::{LiveQuery, SmoothingQuery},
    session::{LiveSession, Permit},
};
use super::faces::{FacesQuery, detector_missing};
use crate::{
    app::AppState,
    http::{ApiError, Connections, extract::ApiClient, headers::RequestIdHeader},
    intake::IntakeError,
};

const PATH: &str = "/v1/live";

/// Subprotocol of the connections.
const PROTOCOL: &str = "mien.live";

/// Number of frames of a connection that are in memory at once: one that is received, one that waits and one that is analysed.
const FRAMES: usize = 3;

/// Find and follow the faces in a live video over a WebSocket.
///
/// The client opens a WebSocket and sends each frame as a binary message: an image file in a format of `/v1/faces`, usually JPEG. The
/// server responds to each analysed frame with a text message, the JSON below.
///
/// Web pages cannot set headers for a WebSocket. A page offers both subprotocols `mien.live` and `mien.bearer.KEY`, where KEY is an API
/// key or the admin token in base64url without padding.
///
/// Only the newest frame waits while another one is analysed. Older waiting frames are dropped and counted in `dropped`. A frame that
/// cannot be analysed has an `error`, and the connection stays open.
///
/// `track` identifies a face in consecutive frames by position and motion. The server does not recognise persons: a face that leaves the
/// picture for more than a second gets a new identifier. `smoothed` is the exponential mean of the probabilities of the track.
///
/// The server closes the connection with code 1001 when it shuts down, 1003 after a text message, 1008 if frames are sent too fast or not
/// within `--body-timeout`, and 1009 if a frame exceeds `--max-live-frame`.
#[utoipa::path(
    get,
    path = PATH,
    tag = "classification",
    operation_id = "live",
    params(
        FacesQuery,
        SmoothingQuery,
        RequestIdHeader
    ),
    responses(
        (status = 101, description = "The WebSocket is open. Each of its messages is a `LiveFrame`.", body = LiveFrame),
    )
)]
pub async fn live(
    request: HttpRequest,
    payload: web::Payload,
    ApiClient(client): ApiClient,
    state: web::Data<AppState>,
    connections: web::Data<Connections>,
) -> Result<HttpResponse, ApiError> {
    let query = LiveQuery::parse(request.query_string())?;
    if state.draining() {
        return Err(ApiError::shutting_down("the server is shutting down"));
    }
    let detector = state.detector.as_ref().ok_or_else(detector_missing)?;
    let analyzer = Analyzer::new(state.clone(), Arc::clone(detector), query, client);
    analyzer.check()?;
    let permit = permit(&state)?;
    let payload = with_frame_limit(&request, payload, state.limits.max_live_frame).await;
    let payload = payload.map_err(|error| ApiError::invalid_request(error.to_string()))?;
    let (response, session, messages) = handle_with_protocols(&request, payload, &[PROTOCOL])
        .map_err(|error| {
            let detail = format!("this route is a WebSocket: {error}");
            ApiError::invalid_request(detail)
        })?;
    let (response, body) = response.into_parts();
    let (body, accepted) = PacedBody::new(body);
    let live = LiveSession::new(session, accepted, connections.closing(), permit, state);
    actix_web::rt::spawn(live.run(messages, analyzer).in_current_span());
    Ok(response.set_body(body).map_into_boxed_body())
}

/// Reserves a connection and the memory of its frames.
fn permit(state: &AppState) -> Result<Permit, ApiError> {
    let limits = &state.limits;
    let permit = Arc::clone(&state.live_connections).try_acquire_owned();
    let connection = permit.map_err(|_| {
        let max = limits.max_live_connections;
        ApiError::overloaded(format!(
            "{max} live connections are open, which is the maximum (--max-live-connections); try again later"
        ))
    })?;
    let memory = state.intake.memory.reservation();
    if !memory.reserve(limits.max_live_frame.saturating_mul(FRAMES)) {
        return Err(IntakeError::MemoryExhausted.into());
    }
    Ok(Permit { connection, memory })
}
