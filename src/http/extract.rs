//! Reads parts of a request: client, deadline, small JSON bodies, limits, versions.

mod client;
mod deadline;
mod json;
mod limit;
mod version;
mod websocket_token;

pub(super) use self::{
    client::{ApiClient, client_request},
    deadline::request_times,
    json::{JsonBody, OptionalJson},
    limit::{ImageLimit, ListLimit},
    version::Version,
    websocket_token::websocket_token,
};
