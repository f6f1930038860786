//! `GET /v1/evaluations/{id}/events`: server-sent events (HTML standard, section 9.2).

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, CacheControl, CacheDirective, ContentEncoding, HeaderName},
    web::{self, Bytes},
};
use futures_util::stream;
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use super::{parse, unknown};
use crate::{
    app::AppState,
    evaluation::{Job, Progress},
    http::ApiError,
    jobs::Job as _,
    store::{EvaluationRecord, JobId},
};

const PATH: &str = "/v1/evaluations/{id}/events";

/// Minimum time between two events, except before the last one.
const MIN_INTERVAL: Duration = Duration::from_millis(250);
/// Maximum time without data, because proxies close silent connections.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Reconnection time of clients in milliseconds.
const RECONNECTION_TIME: u32 = 2000;

/// Header with the identifier of the last event that the client received.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Stream the progress of an evaluation.
///
/// Server-sent events: `progress` at most four times per second, then one `end`, after which the stream closes. The data of both
/// is an `EvaluationProgress`. Identifiers increase. With `Last-Event-ID` a reconnecting client receives only newer events, and 204
/// if it has received the end.
#[utoipa::path(get, path = PATH, tag = "evaluations", operation_id = "watchEvaluation",
    params(
        ("id" = String, Path, description = "Identifier of the evaluation."),
        ("Last-Event-ID" = Option<u64>, Header, description = "Identifier of the last received event."),
    ),
    responses(
        (status = 200, description = "The events.", body = Progress, content_type = "text/event-stream"),
        (status = 204, description = "The client has received the end; there are no further events."),
    )
)]
pub async fn events(
    id: web::Path<String>,
    request: HttpRequest,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let last = request.headers().get(LAST_EVENT_ID);
    let last = last.and_then(|id| id.to_str().ok()?.parse::<u64>().ok());
    let id = parse(&id)?;
    let job = state.evaluations.job(id);
    let job = job.map(|job| (job.subscribe(), job));
    let progress_stream = ProgressStream {
        state,
        id,
        job,
        last,
        is_first: true,
        is_over: false,
    };
    let now = progress_stream.progress().await?;
    if now.status.is_final() && last.is_some_and(|last| last >= now.position()) {
        return Ok(HttpResponse::NoContent().finish());
    }
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(CacheControl(vec![CacheDirective::NoStore]))
        // Proxies must not buffer or compress the events.
        .insert_header((header::CONTENT_ENCODING, ContentEncoding::Identity.as_str()))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(stream::try_unfold(progress_stream, ProgressStream::next)))
}

/// The event stream of one client.
struct ProgressStream {
    state: web::Data<AppState>,
    id: JobId,
    /// The job and its changes, if the evaluation had not ended when the client connected.
    job: Option<(watch::Receiver<EvaluationRecord>, Arc<Job>)>,
    /// Identifier of the last sent event.
    last: Option<u64>,
    is_first: bool,
    is_over: bool,
}

impl ProgressStream {
    /// Returns the progress from the job until its end, then from the store.
    async fn progress(&self) -> Result<Progress, ApiError> {
        match &self.job {
            Some((_, job)) if !job.status().is_final() => Ok(job.progress()),
            job => {
                let record = self.state.evaluations.record(self.id).await?;
                // The record was removed; the job still has the result.
                let end = record.map(|record| Progress::of_record(&record));
                end.or_else(|| job.as_ref().map(|(_, job)| job.progress()))
                    .ok_or_else(|| unknown(self.id))
            }
        }
    }

    /// Waits for the next chunk of the stream.
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, ApiError> {
        if self.is_over {
            return Ok(None);
        }
        let last_data = Instant::now();
        loop {
            let mut is_silent = self.is_first;
            if !self.is_first
                && let Some((changes, job)) = &mut self.job
            {
                // A timeout is treated like the end of the wait.
                let _ = timeout_at(last_data + MIN_INTERVAL, job.finished()).await;
                let change = timeout_at(last_data + KEEP_ALIVE, changes.changed());
                is_silent = change.await.is_err();
            }
            let progress = self.progress().await?;
            let (id, is_end) = (progress.position(), progress.status.is_final());
            if is_end || self.last.is_none_or(|last| id > last) {
                let text = event(if is_end { "end" } else { "progress" }, id, &progress)?;
                let retry = if self.is_first {
                    format!("retry: {RECONNECTION_TIME}\n\n")
                } else {
                    String::new()
                };
                (self.last, self.is_first, self.is_over) = (Some(id), false, is_end);
                return Ok(Some((format!("{retry}{text}").into(), self)));
            }
            if is_silent {
                self.is_first = false;
                return Ok(Some((Bytes::from_static(b": keep-alive\n\n"), self)));
            }
        }
    }
}

fn event(name: &str, id: u64, progress: &Progress) -> Result<String, ApiError> {
    let data = serde_json::to_string(progress).map_err(ApiError::internal)?;
    Ok(format!("id: {id}\nevent: {name}\ndata: {data}\n\n"))
}
