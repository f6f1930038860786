//! `POST` and `GET /v1/models/{name}/promotions`, `GET` and `DELETE /v1/models/{name}/promotions/{id}`.

use std::num::NonZeroUsize;

use actix_web::{HttpResponse, http::header, web};
use mien_faces::dataset::Split;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    client::encoded,
    evaluation,
    http::{
        Admin, ApiError, State,
        error::{Code, Problem},
        middleware::RequestId,
        routes::evaluations::{most_listed, whole_test},
        version::Version,
    },
    models::{ChangeError, name::parse_version},
    promotion::{Criterion, PromotionResponse, PromotionSpec},
};

pub(in crate::http::routes) const LIST_PATH: &str = "/v1/models/{name}/promotions";
pub(in crate::http::routes) const ONE_PATH: &str = "/v1/models/{name}/promotions/{id}";

/// What to promote, and what it must reach: either `min_accuracy` or `max_regression`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromotionRequest {
    /// The version that is to serve. It need not be loaded.
    #[schema(value_type = String, example = "2")]
    version: Version,
    /// A data set of the server, as `--data` names it.
    #[schema(example = "fer2013")]
    dataset: String,
    /// Which images: `test` (all of them), `train`, `PublicTest` or `PrivateTest`.
    #[serde(default = "whole_test")]
    #[schema(value_type = String, default = "test", example = "test")]
    split: Split,
    /// At most so many images: the same ones each time, every class in proportion.
    #[schema(value_type = Option<usize>, minimum = 1)]
    limit: Option<NonZeroUsize>,
    /// The accuracy that it must reach.
    #[schema(minimum = 0, maximum = 1)]
    min_accuracy: Option<f64>,
    /// The non-inferiority margin: how much lower its accuracy may be than that of the baseline version on the same
    /// images. It passes if the lower end of the 95 % interval of the difference is at least `-max_regression`.
    #[schema(minimum = 0, maximum = 1, example = 0.005)]
    max_regression: Option<f64>,
    /// The loaded version that `max_regression` compares with. By default the one that serves.
    #[schema(value_type = Option<String>, example = "1")]
    baseline_version: Option<Version>,
}

/// Which promotions are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PromotionQuery {
    /// At most so many.
    #[serde(default = "most_listed")]
    #[param(value_type = usize, minimum = 1, default = 100)]
    limit: NonZeroUsize,
}

/// The promotions of a model.
#[derive(Debug, Serialize, ToSchema)]
pub struct PromotionList {
    /// Newest first.
    promotions: Vec<PromotionResponse>,
}

/// Gives a model's traffic to another version if it passes an evaluation.
///
/// The version is loaded beside the one that serves and evaluated below live traffic. If it passes, requests that name no
/// version get it from one moment on; if not, it is unloaded, and `reason` and `result` tell by how much it fell short.
/// The version before serves all the while. The model is pinned to what serves from the beginning on: newer versions on
/// disk do not take the traffic by themselves any more, until `DELETE /v1/models/{name}/pin`.
#[utoipa::path(
    post, path = LIST_PATH, tag = "models", operation_id = "promoteModel",
    params(("name" = String, Path, description = "The model's name, or an alias.", example = "resnet-20-v1")),
    request_body = PromotionRequest,
    responses(
        (status = 202, description = "Taken; it runs.", body = PromotionResponse,
            headers(("Location" = String, description = "Where it is."))),
        (status = 400, description = "`invalid_request`: the body, or an empty split.",
            body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthorized`: the admin token is not there or another one.",
            body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`: orders are not taken here, or not from this page.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`unknown_model`, `unknown_version` or `unknown_dataset`.",
            body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`conflict`: the version serves already, none does, or the model is being promoted.",
            body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`: the body is no JSON.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`overloaded`: too many promotions run already. `shutting_down`: the server is shutting down.",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u64, description = "Seconds, at least 1."))),
    )
)]
pub async fn create(
    _: Admin,
    name: web::Path<String>,
    request: web::Json<PromotionRequest>,
    id: web::ReqData<RequestId>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let request_id = Some(id.as_str().to_owned());
    let order = request.into_inner().spec(name.into_inner(), request_id)?;
    let job = state.promotions.start(order).await?;
    let location = format!("/v1/models/{}/promotions/{}", encoded(job.model()), job.id());
    let response = PromotionResponse::from(job.record());
    Ok(HttpResponse::Accepted().insert_header((header::LOCATION, location)).json(response))
}

/// The promotions of a model: the one that runs, and those that are kept.
#[utoipa::path(get, path = LIST_PATH, tag = "models", operation_id = "listPromotions",
    params(
        ("name" = String, Path, description = "The model's name, or an alias.", example = "resnet-20-v1"),
        PromotionQuery,
    ),
    responses(
        (status = 200, description = "The promotions.", body = PromotionList),
        (status = 400, description = "`invalid_request`: the query.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`unknown_model`.",
            body = Problem, content_type = "application/problem+json"))
)]
pub async fn list(
    name: web::Path<String>,
    query: web::Query<PromotionQuery>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let promotions = state.promotions.list(&name, query.limit.get()).await?;
    // A model that is no longer there may have been promoted once.
    if promotions.is_empty() && state.registry.model(&name).is_none() {
        return Err(ChangeError::UnknownModel(name.into_inner()).into());
    }
    Ok(HttpResponse::Ok().json(PromotionList { promotions }))
}

/// One promotion: how far it is, what was measured, and why it ended as it did.
#[utoipa::path(get, path = ONE_PATH, tag = "models", operation_id = "getPromotion",
    params(
        ("name" = String, Path, description = "The model's name, or an alias.", example = "resnet-20-v1"),
        ("id" = String, Path, description = "The promotion's id."),
    ),
    responses(
        (status = 200, description = "The promotion.", body = PromotionResponse),
        (status = 404, description = "`unknown_promotion`.",
            body = Problem, content_type = "application/problem+json"))
)]
pub async fn one(
    path: web::Path<(String, String)>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let (name, id) = path.into_inner();
    let response = state.promotions.get(&name, &id).await?.ok_or_else(|| unknown(&name, &id))?;
    Ok(HttpResponse::Ok().json(response))
}

/// Cancels a promotion.
///
/// Its evaluation ends, the version is unloaded, the one before serves on. One that has ended stays as it is.
#[utoipa::path(delete, path = ONE_PATH, tag = "models", operation_id = "cancelPromotion",
    params(
        ("name" = String, Path, description = "The model's name, or an alias.", example = "resnet-20-v1"),
        ("id" = String, Path, description = "The promotion's id."),
    ),
    responses(
        (status = 200, description = "The promotion as it is now.", body = PromotionResponse),
        (status = 401, description = "`unauthorized`: the admin token is not there or another one.",
            body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`: orders are not taken here, or not from this page.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`unknown_promotion`.",
            body = Problem, content_type = "application/problem+json"))
)]
pub async fn cancel(
    _: Admin,
    path: web::Path<(String, String)>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let (name, id) = path.into_inner();
    let response = state.promotions.cancel(&name, &id).await?;
    Ok(HttpResponse::Ok().json(response.ok_or_else(|| unknown(&name, &id))?))
}

impl PromotionRequest {
    fn spec(
        mut self,
        model: String,
        request_id: Option<String>,
    ) -> Result<PromotionSpec, ApiError> {
        let criterion = self.criterion(&model)?;
        let Self { version, dataset, split, limit, .. } = self;
        let images = evaluation::EvaluationSpec { dataset, split, limit, request_id };
        Ok(PromotionSpec { version: number(&model, version)?, model, criterion, images })
    }

    fn criterion(&mut self, model: &str) -> Result<Criterion, ApiError> {
        let baseline =
            self.baseline_version.take().map(|version| number(model, version)).transpose()?;
        let (value, criterion) = match (self.min_accuracy, self.max_regression) {
            (Some(accuracy), None) if baseline.is_none() => {
                (accuracy, Criterion::MinAccuracy(accuracy))
            }
            (Some(_), None) => {
                return Err(ApiError::invalid_request("`baseline_version` needs `max_regression`"));
            }
            (None, Some(margin)) => (margin, Criterion::MaxRegression { margin, baseline }),
            (None, None) | (Some(_), Some(_)) => {
                let detail = "give either `min_accuracy` or `max_regression`";
                return Err(ApiError::invalid_request(detail));
            }
        };
        if !(0.0..=1.0).contains(&value) {
            let detail = "`min_accuracy` and `max_regression` must be between 0 and 1";
            return Err(ApiError::invalid_request(detail));
        }
        Ok(criterion)
    }
}

fn number(model: &str, version: Version) -> Result<u64, ApiError> {
    let version = version.into_text();
    parse_version(&version).ok_or_else(|| {
        let detail = format!("model `{model}` has no version `{version}` in the models folder");
        ApiError::new(Code::UnknownVersion, detail)
    })
}

fn unknown(model: &str, id: &str) -> ApiError {
    let detail = format!("model `{model}` has no promotion `{id}`, or it is no longer kept");
    ApiError::new(Code::UnknownPromotion, detail)
}
