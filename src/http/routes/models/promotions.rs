//! Promotions: a file per request, and what the requests share.

pub mod cancel;
pub mod create;
pub mod get;
pub mod list;

use crate::{
    excerpt::Excerpt,
    http::{ApiError, error::Code},
    store::JobId,
};

const LIST_PATH: &str = "/v1/models/{name}/promotions";
const ONE_PATH: &str = "/v1/models/{name}/promotions/{id}";

/// Parses an identifier. A text that is not an identifier is an unknown promotion.
fn parse(model: &str, id: &str) -> Result<JobId, ApiError> {
    id.parse().map_err(|_| unknown(model, id))
}

fn unknown(model: &str, id: &str) -> ApiError {
    let (id, model) = (Excerpt(id), Excerpt(model));
    let detail = format!("unknown promotion `{id}` of model `{model}`; it may have been removed");
    ApiError::new(Code::UnknownPromotion, detail)
}
