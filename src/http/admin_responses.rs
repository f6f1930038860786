//! Error responses of admin requests in the OpenAPI document. The routes list them by these types.

use utoipa::IntoResponses;

use super::error::{OipError, Problem};

/// The client may not send admin requests.
#[derive(IntoResponses)]
#[expect(
    dead_code,
    reason = "the type describes responses; `ApiError` makes them"
)]
pub(super) enum AdminProblems {
    #[response(
        status = 401,
        description = "`unauthorized`: the admin token is missing or wrong.",
        content_type = "application/problem+json"
    )]
    Unauthorized(Problem),
    #[response(
        status = 403,
        description = "`forbidden`: the admin API is disabled, or the request is from a page of another origin.",
        content_type = "application/problem+json"
    )]
    Forbidden(Problem),
}

/// The server cannot accept another change of a model now.
#[derive(IntoResponses)]
#[response(
    status = 503,
    description = "`overloaded`: too many pending changes. `shutting_down`: the server is shutting down.",
    content_type = "application/problem+json",
    headers(("Retry-After" = u64, description = "Time to wait before the next attempt, in seconds, at least 1."))
)]
#[expect(
    dead_code,
    reason = "the type describes a response; `ApiError` makes it"
)]
pub(super) struct TooManyChanges(Problem);

/// Both of the above in the Open Inference Protocol v2.
#[derive(IntoResponses)]
#[expect(
    dead_code,
    reason = "the type describes responses; `ApiError` makes them"
)]
pub(super) enum OipAdminErrors {
    #[response(status = 401, description = "The admin token is missing or wrong.")]
    Unauthorized(OipError),
    #[response(
        status = 403,
        description = "The admin API is disabled, or the request is from a page of another origin."
    )]
    Forbidden(OipError),
    #[response(status = 503, description = "Too many pending changes.")]
    TooManyChanges(OipError),
}
