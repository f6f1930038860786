//! `GET /v1/evaluations/{id}/events`: server-sent events, as the HTML standard has them (section 9.2).

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, CacheControl, CacheDirective, ContentEncoding, HeaderName},
    web::{self, Bytes},
};
use futures_util::stream;
use tokio::time::{Instant, timeout};

use super::unknown;
use crate::{
    evaluation::{Job, Progress},
    http::{ApiError, State, error::Problem},
};

pub(in crate::http::routes) const PATH: &str = "/v1/evaluations/{id}/events";

/// The least time between two events but the last.
const GAP: Duration = Duration::from_millis(250);
/// How long the stream is silent at most: proxies take silence for an end.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a client waits before it connects again, in milliseconds.
const RETRY: u32 = 2000;

/// The id of the last event that a client has seen.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The progress of an evaluation as it happens.
///
/// Server-sent events: `progress` at most four times a second, then one `end`, after which the stream closes. The data of
/// both is an `EvaluationProgress`. Ids grow; with `Last-Event-ID` a client that lost the connection gets what is new
/// since then, and 204 where it has seen the end.
#[utoipa::path(get, path = PATH, tag = "evaluations", operation_id = "watchEvaluation",
    params(
        ("id" = String, Path, description = "The evaluation's id."),
        ("Last-Event-ID" = Option<u64>, Header, description = "The id of the last event that was seen."),
    ),
    responses(
        (status = 200, description = "The events.", body = Progress, content_type = "text/event-stream"),
        (status = 204, description = "The client has seen the end; there is nothing to connect for again."),
        (status = 404, description = "`unknown_evaluation`.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn events(
    id: web::Path<String>,
    request: HttpRequest,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let last = request.headers().get(LAST_EVENT_ID);
    let last = last.and_then(|id| id.to_str().ok()?.parse::<u64>().ok());
    let id = id.into_inner();
    let job = state.evaluations.job(&id);
    let feed = ProgressStream { state, id, job, last, is_first: true, is_over: false };
    let now = feed.progress().await?;
    if now.status.is_final() && last.is_some_and(|last| last >= now.position()) {
        return Ok(HttpResponse::NoContent().finish());
    }
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(CacheControl(vec![CacheDirective::NoStore]))
        // Whoever compresses answers or proxies them shall not hold events back.
        .insert_header((header::CONTENT_ENCODING, ContentEncoding::Identity.as_str()))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(stream::try_unfold(feed, ProgressStream::next)))
}

/// What one listener gets.
struct ProgressStream {
    state: web::Data<State>,
    id: String,
    /// The evaluation, where it had not ended when the listener came.
    job: Option<Arc<Job>>,
    /// The id of the last event that it has.
    last: Option<u64>,
    is_first: bool,
    is_over: bool,
}

impl ProgressStream {
    /// How far the evaluation is: as the job tells until its end, then as it is kept, the same for every listener.
    async fn progress(&self) -> Result<Progress, ApiError> {
        match &self.job {
            Some(job) if !job.status().is_final() => Ok(job.progress()),
            job => {
                let record = self.state.evaluations.record(&self.id).await?;
                // Removed since then: its job remembers how it ended.
                let end = record.map(|record| Progress::of_record(&record));
                end.or_else(|| job.as_ref().map(|job| job.progress()))
                    .ok_or_else(|| unknown(&self.id))
            }
        }
    }

    /// The next piece of the stream, once there is one.
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, ApiError> {
        if self.is_over {
            return Ok(None);
        }
        let silent_since = Instant::now();
        loop {
            if !self.is_first
                && let Some(job) = &self.job
            {
                // An error is that the time is over, which is as good as the end.
                let _ = timeout(GAP, job.finished()).await;
            }
            let progress = self.progress().await?;
            let (id, is_end) = (progress.position(), progress.status.is_final());
            if is_end || self.last.is_none_or(|last| id > last) {
                let text = event(if is_end { "end" } else { "progress" }, id, &progress)?;
                let retry =
                    if self.is_first { format!("retry: {RETRY}\n\n") } else { String::new() };
                (self.last, self.is_first, self.is_over) = (Some(id), false, is_end);
                return Ok(Some((format!("{retry}{text}").into(), self)));
            }
            if self.is_first || silent_since.elapsed() >= KEEP_ALIVE {
                self.is_first = false;
                return Ok(Some((Bytes::from_static(b": nothing new\n\n"), self)));
            }
        }
    }
}

fn event(name: &str, id: u64, progress: &Progress) -> Result<String, ApiError> {
    let data = serde_json::to_string(progress).map_err(ApiError::internal)?;
    Ok(format!("id: {id}\nevent: {name}\ndata: {data}\n\n"))
}
