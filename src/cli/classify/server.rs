//! Classifies files with a running server.

mod document;
mod part;

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream::LocalBoxStream};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use self::{
    document::{ImageResult, Problem, Response},
    part::{Image, Part, Parts},
};
use super::{inputs::Entry, result::FileResult, search::SearchArgs};
use crate::{auth::AdminToken, cli::api_client::ApiClient, models::name::ModelName};

/// Number of faces of a request.
const FACES_PER_REQUEST: usize = 16;

/// Number of photos of a request. The server returns at most 256 faces per request by default, of which each photo has an equal share.
const PHOTOS_PER_REQUEST: usize = 2;

/// Time for which a request is sent again while the server rejects it with 429 or 503.
const MAX_RETRY_TIME: Duration = Duration::from_secs(300);

/// Time to the next attempt if the server does not say it.
const DEFAULT_RETRY: Duration = Duration::from_secs(1);

/// Error codes of images. Other codes are errors of the command.
const IMAGE_CODES: [&str; 3] = ["invalid_image", "unsupported", "too_large"];

/// Error code of a server without a face detector.
const DETECTOR_MISSING: &str = "detector_missing";

/// A running server.
pub(super) struct Server {
    client: ApiClient,
    query: Vec<(&'static str, String)>,
    labels: Vec<String>,
    /// Whether the images are photos.
    faces: bool,
    /// Maximum number of images of a request.
    per_request: usize,
    workers: usize,
}

impl Server {
    /// Asks the server for the labels of the model. With `search`, the images are photos. `workers` requests are sent at once.
    ///
    /// # Errors
    /// Returns an error if the server is not reachable or does not have the model.
    pub(super) async fn connect(
        url: &str,
        key: Option<&AdminToken>,
        requested: Option<&ModelName>,
        search: Option<&SearchArgs>,
        workers: usize,
    ) -> anyhow::Result<Self> {
        let client = ApiClient::new(url, key)?;
        let labels = labels(&client, requested).await?;
        let mut query = Vec::new();
        if let Some(ModelName { name, version }) = requested {
            query.push(("model", name.clone()));
            query.extend(version.map(|version| ("version", version.to_string())));
        }
        query.extend(search.into_iter().flat_map(SearchArgs::query));
        let per_request = match search {
            None => FACES_PER_REQUEST,
            Some(search) if search.fits_two_photos() => PHOTOS_PER_REQUEST,
            Some(_) => 1,
        };
        Ok(Self {
            client,
            query,
            labels,
            faces: search.is_some(),
            per_request,
            workers,
        })
    }

    /// Returns the labels in the order of the probabilities.
    pub(super) fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Returns the results in the order of the entries, those of a request together.
    pub(super) fn results<'a>(
        &'a self,
        entries: impl Stream<Item = anyhow::Result<Entry>> + 'a,
    ) -> LocalBoxStream<'a, anyhow::Result<Vec<FileResult>>> {
        entries
            .ready_chunks(self.per_request)
            .map(move |entries| self.files(entries))
            .buffered(self.workers)
            .boxed_local()
    }

    /// Reads files and sends them, in several requests if they are large.
    async fn files(&self, entries: Vec<anyhow::Result<Entry>>) -> anyhow::Result<Vec<FileResult>> {
        let mut results = Vec::new();
        let mut parts = Parts::new(entries);
        while let Some((part, rest)) = parts.next().await? {
            parts = rest;
            results.extend(self.part(part).await?);
        }
        Ok(results)
    }

    /// Sends the images of one request. If the server rejects them together, each is sent alone, because the reason may be one of
    /// them or their number.
    async fn part(&self, part: Part) -> anyhow::Result<Vec<FileResult>> {
        let images = part.images();
        let results = if images.is_empty() {
            Vec::new()
        } else {
            match self.send(images).await? {
                Ok(response) => response.results(images.len(), &self.labels)?,
                Err(problem) if images.len() == 1 => vec![failure(problem)?],
                Err(_) => {
                    let mut results = Vec::new();
                    for image in images.chunks(1) {
                        results.extend(match self.send(image).await? {
                            Ok(response) => response.results(1, &self.labels)?,
                            Err(problem) => vec![failure(problem)?],
                        });
                    }
                    results
                }
            }
        };
        Ok(part.merge(results))
    }

    /// Sends images. While the server is overloaded, they are sent again.
    async fn send(&self, images: &[Image]) -> anyhow::Result<Result<Response, Problem>> {
        let path = if self.faces { "faces" } else { "classify" };
        let (content_type, body) = part::body(images)?;
        let start = Instant::now();
        loop {
            let body = Bytes::clone(&body);
            let reply = self
                .client
                .upload(&["v1", path], &self.query, content_type, body)
                .await?;
            if reply.status.is_success() {
                let response = serde_json::from_slice(&reply.body);
                return Ok(Ok(
                    response.context("the response of the server is invalid")?
                ));
            }
            let problem: Problem = serde_json::from_slice(&reply.body).unwrap_or_default();
            let can_retry = match reply.status {
                StatusCode::SERVICE_UNAVAILABLE => problem.code != DETECTOR_MISSING,
                status => status == StatusCode::TOO_MANY_REQUESTS,
            };
            if !can_retry && reply.status.is_client_error() {
                return Ok(Err(problem));
            }
            if !can_retry || start.elapsed() > MAX_RETRY_TIME {
                bail!(
                    "the server returned {}: {}",
                    reply.status.as_u16(),
                    problem.detail
                );
            }
            let wait = reply.retry_after.unwrap_or(DEFAULT_RETRY);
            tokio::time::sleep(wait.min(MAX_RETRY_TIME)).await;
        }
    }
}

/// Returns the result of an image that the server rejects.
fn failure(problem: Problem) -> anyhow::Result<ImageResult> {
    let Problem { code, detail } = problem;
    if IMAGE_CODES.contains(&code.as_str()) {
        Ok(ImageResult::failure(detail))
    } else {
        bail!("the server rejected the request: {detail}")
    }
}

/// Returns the labels of the model, in the order in which the server lists them.
async fn labels(client: &ApiClient, requested: Option<&ModelName>) -> anyhow::Result<Vec<String>> {
    let name = match requested {
        Some(requested) => requested.name.clone(),
        None => {
            let list = client.send(Method::GET, &["v1", "models"], None).await?;
            let models = list["models"].as_array().map_or(&[][..], Vec::as_slice);
            let default = models.iter().find(|model| model["default"] == true);
            let name = default.and_then(|model| model["name"].as_str());
            name.context("the server has no default model; choose one with --model")?
                .to_owned()
        }
    };
    let model = client
        .send(Method::GET, &["v1", "models", &name], None)
        .await?;
    let version = requested.and_then(|requested| requested.version);
    let version = version.map_or_else(|| model["serving"].clone(), |v| v.to_string().into());
    let versions = model["versions"].as_array();
    let version = versions.into_iter().flatten().find(|entry| {
        entry["version"] == version || (version.is_null() && entry["labels"].is_array())
    });
    let labels = version.map(|version| version["labels"].clone());
    serde_json::from_value(labels.unwrap_or(Value::Null)).with_context(|| {
        format!("the server has not loaded the version of `{name}`; see its page /v1/models/{name}")
    })
}
