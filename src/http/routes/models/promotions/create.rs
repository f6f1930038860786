//! `POST /v1/models/{name}/promotions`.

use actix_web::{HttpResponse, http::header, web};
use mien_faces::dataset::Split;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use utoipa::ToSchema;

use super::LIST_PATH;
use crate::{
    app::AppState,
    evaluation::EvaluationSpec,
    excerpt::Excerpt,
    http::{
        ApiError,
        error::Code,
        extract::{ImageLimit, JsonBody, Version},
        middleware::RequestId,
        routes::evaluations::DEFAULT_SPLIT,
    },
    jobs::Job as _,
    models::ModelVersion,
    promotion::{Criterion, PromotionResponse, PromotionSpec},
    shadow::ShadowRequirement,
};

/// Characters that are percent-encoded in a segment of a path: all but the unreserved ones (RFC 3986, section 2.3).
const PATH_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Request body of a promotion. Either `min_accuracy` or `max_regression` is required.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromotionRequest {
    /// Candidate version. It need not be loaded.
    #[schema(value_type = String, example = "2")]
    version: Version,
    /// Name of a data set in `--data`.
    #[schema(example = "fer2013")]
    dataset: String,
    /// Split: `test` (all test images), `train`, `PublicTest` or `PrivateTest`.
    #[schema(value_type = Option<String>, default = "test", example = "test")]
    split: Option<Split>,
    /// Maximum number of images. The same images are chosen each time, every class in proportion.
    #[schema(value_type = Option<usize>, minimum = 1, maximum = 10_000_000)]
    limit: Option<ImageLimit>,
    /// Minimum accuracy of the candidate, 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    min_accuracy: Option<f64>,
    /// Non-inferiority margin, 0 to 1: how much lower the accuracy may be than that of the baseline version on the same images. The
    /// candidate passes if the lower end of the 95 % interval of the difference is at least `-max_regression`.
    #[schema(minimum = 0, maximum = 1, example = 0.005)]
    max_regression: Option<f64>,
    /// The margin of the same test on each group of at least 30 images, 0 to 1. The groups are those of `groups.csv` and of brightness,
    /// contrast and blur in the evaluation of the candidate. Needs `max_regression`.
    #[schema(minimum = 0, maximum = 1, example = 0.03)]
    max_group_regression: Option<f64>,
    /// Loaded version that `max_regression` compares with; by default the serving version.
    #[schema(value_type = Option<String>, example = "1")]
    baseline_version: Option<Version>,
    /// The required result of the shadow of the candidate. The server rejects the request with `shadow_not_passed` if the running or last
    /// shadow did not compare the candidate with the serving version, or does not have this result.
    shadow: Option<ShadowCriterion>,
}

/// The result that a promotion requires from the shadow of its candidate.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShadowCriterion {
    /// Minimum number of compared images.
    #[schema(minimum = 1, example = 1000)]
    min_images: u64,
    /// Minimum share of images with the same label, 0 to 1. Images that the candidate failed on count as different labels.
    #[schema(minimum = 0, maximum = 1, example = 0.9)]
    min_agreement: f64,
}

/// Promote a version if it passes an evaluation.
///
/// The candidate is loaded next to the serving version and evaluated at background priority. If it passes, it serves all
/// requests without a version. Otherwise it is unloaded, and `reason` and `result` report the shortfall. The previous version
/// serves until then. From the start of the promotion the model is pinned, so newer versions on disk do not serve traffic by
/// themselves until `DELETE /v1/models/{name}/pin`. A rejected promotion leaves the pin in place.
#[utoipa::path(
    post, path = LIST_PATH, tag = "models", operation_id = "promoteModel",
    params(("name" = String, Path, description = "Name or alias of the model.", example = "resnet-20-v1")),
    request_body = PromotionRequest,
    responses(
        (status = 202, description = "The promotion is running.", body = PromotionResponse,
            headers(("Location" = String, description = "Path of the new resource."))),
    )
)]
pub async fn create(
    name: web::Path<String>,
    JsonBody(request): JsonBody<PromotionRequest>,
    id: web::ReqData<RequestId>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let request_id = Some(id.as_str().to_owned());
    let spec = request.spec(name.into_inner(), request_id)?;
    let job = state.promotions.start(spec).await?;
    let model = utf8_percent_encode(job.model(), PATH_SEGMENT);
    let location = format!("/v1/models/{model}/promotions/{}", job.id());
    let response = PromotionResponse::from(job.record());
    Ok(HttpResponse::Accepted()
        .insert_header((header::LOCATION, location))
        .json(response))
}

impl ShadowCriterion {
    fn requirement(self) -> Result<ShadowRequirement, ApiError> {
        let Self {
            min_images,
            min_agreement,
        } = self;
        if min_images == 0 || !(0.0..=1.0).contains(&min_agreement) {
            let detail = format!(
                "`shadow.min_images` is {min_images} and must be at least 1; `shadow.min_agreement` is {min_agreement} and must be between 0 and 1"
            );
            return Err(ApiError::invalid_request(detail));
        }
        Ok(ShadowRequirement {
            min_images,
            min_agreement,
        })
    }
}

impl PromotionRequest {
    fn spec(
        mut self,
        model: String,
        request_id: Option<String>,
    ) -> Result<PromotionSpec, ApiError> {
        let criterion = self.criterion(&model)?;
        let shadow = self.shadow.take().map(ShadowCriterion::requirement);
        let Self {
            version,
            dataset,
            split,
            limit,
            ..
        } = self;
        let images = EvaluationSpec {
            dataset,
            split: split.unwrap_or(DEFAULT_SPLIT),
            limit: limit.map(Into::into),
            request_id,
        };
        Ok(PromotionSpec {
            version: parse_version(&model, version)?,
            model,
            criterion,
            shadow: shadow.transpose()?,
            images,
        })
    }

    fn criterion(&mut self, model: &str) -> Result<Criterion, ApiError> {
        let baseline = self
            .baseline_version
            .take()
            .map(|version| parse_version(model, version))
            .transpose()?;
        let group_margin = self.max_group_regression;
        let shares = [self.min_accuracy, self.max_regression, group_margin];
        if !shares
            .iter()
            .flatten()
            .all(|share| (0.0..=1.0).contains(share))
        {
            let detail = "`min_accuracy`, `max_regression` and `max_group_regression` must be between 0 and 1";
            return Err(ApiError::invalid_request(detail));
        }
        let detail = match (self.min_accuracy, self.max_regression) {
            (None, Some(margin)) => {
                return Ok(Criterion::MaxRegression {
                    margin,
                    group_margin,
                    baseline,
                });
            }
            (Some(_), None) if baseline.is_some() => "`baseline_version` needs `max_regression`",
            (Some(_), None) if group_margin.is_some() => {
                "`max_group_regression` needs `max_regression`"
            }
            (Some(accuracy), None) => return Ok(Criterion::MinAccuracy(accuracy)),
            (None, None) | (Some(_), Some(_)) => "give either `min_accuracy` or `max_regression`",
        };
        Err(ApiError::invalid_request(detail))
    }
}

pub(in crate::http::routes::models) fn parse_version(
    model: &str,
    version: Version,
) -> Result<ModelVersion, ApiError> {
    let version = version.into_text();
    version.parse().map_err(|_| {
        let (version, model) = (Excerpt(&version), Excerpt(model));
        let detail = format!("the repository has no version `{version}` of model `{model}`");
        ApiError::new(Code::UnknownVersion, detail)
    })
}
