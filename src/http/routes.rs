//! The handlers and the table of routes.

pub mod analyze;
pub mod classify;
pub mod datasets;
pub mod documentation;
pub mod evaluations;
pub mod explain;
pub mod faces;
pub mod health;
pub mod live;
pub mod metrics;
pub mod models;
pub mod oip;
pub mod web_ui;

use actix_web::{HttpRequest, HttpResponse, web};

use self::{
    evaluations::{compare, events, predictions, report},
    models::{load, pin, promotions, shadow},
    oip::{MODEL_PREFIX as MODEL, VERSION_PREFIX as VERSION, infer, repository, server},
};
use super::{
    endpoint::Endpoint,
    error::{ApiError, Code},
};
use crate::{auth::Access, excerpt::Excerpt};

/// The body with the images cannot be processed.
const IMAGES: &[Code] = &[
    Code::InvalidRequest,
    Code::RequestTimeout,
    Code::TooLarge,
    Code::UnsupportedMediaType,
    Code::Internal,
    Code::DeadlineExceeded,
    Code::InferenceTimeout,
];
/// An image cannot be decoded.
const IMAGE: &[Code] = &[Code::InvalidImage, Code::Unsupported];
/// The requested model does not serve.
const SERVING: &[Code] = &[Code::UnknownModel, Code::UnknownVersion, Code::ModelLoading];
/// A limit is exhausted or the server stops.
const BUSY: &[Code] = &[Code::Overloaded, Code::ShuttingDown];
const NO_MODEL: &[Code] = &[Code::UnknownModel];
const NO_EVALUATION: &[Code] = &[Code::UnknownEvaluation];
const NO_PROMOTION: &[Code] = &[Code::UnknownPromotion];
const NO_SHADOW: &[Code] = &[Code::UnknownModel, Code::UnknownShadow];
const QUERY: &[Code] = &[Code::InvalidRequest];
const JSON: &[Code] = &[Code::InvalidRequest, Code::UnsupportedMediaType];
/// A JSON body is too large or is not received in time.
const JSON_LIMITS: &[Code] = &[Code::RequestTimeout, Code::TooLarge, Code::DeadlineExceeded];
const FORMAT: &[Code] = &[Code::NotAcceptable];

/// Returns the table of routes. For equal paths the order does not matter; a pattern must follow the paths that it would
/// match too.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let groups = classification().into_iter().chain(evaluations());
    let groups = groups.chain(models()).chain(operation());
    groups.chain(inference_protocol()).collect()
}

fn classification() -> [Endpoint; 5] {
    [
        Endpoint::of::<classify::__path_classify>(Access::INFERENCE, || {
            web::to(classify::classify)
        })
        .problem(Code::InvalidImage, "no image of the request can be decoded")
        .problems(&[&[Code::Unsupported], IMAGES, SERVING, BUSY]),
        Endpoint::of::<faces::__path_faces>(Access::INFERENCE, || web::to(faces::faces))
            .problem(Code::InvalidImage, "no image of the request can be decoded")
            .problems(&[
                &[Code::Unsupported],
                IMAGES,
                SERVING,
                &[Code::DetectorMissing],
                BUSY,
            ]),
        Endpoint::of::<analyze::__path_analyze>(Access::INFERENCE, || web::to(analyze::analyze))
            .problems(&[
                IMAGE,
                &[Code::UnsupportedAction, Code::NoFace],
                IMAGES,
                SERVING,
                &[Code::DetectorMissing],
                BUSY,
            ]),
        Endpoint::of::<live::__path_live>(Access::INFERENCE, || web::to(live::live))
            .without_head()
            .problem(
                Code::InvalidRequest,
                "the query is invalid, or the request is not the handshake of a WebSocket",
            )
            .problems(&[SERVING, &[Code::DetectorMissing], BUSY]),
        Endpoint::of::<explain::__path_explain>(Access::INFERENCE, || web::to(explain::explain))
            .problems(&[IMAGE, IMAGES, SERVING, FORMAT, BUSY]),
    ]
}

fn evaluations() -> [Endpoint; 10] {
    use self::evaluations::{create, delete, get, list};

    const NOT_SUCCEEDED: &str = "the evaluation has not succeeded; the detail has the reason";
    [
        Endpoint::of::<create::__path_create>(Access::EVALUATION_CHANGES, || web::to(create::create))
            .problem(
                Code::InvalidRequest,
                "the body is invalid, the split is empty, or the labels of the model are not the seven expressions",
            )
            .problems(&[&[Code::UnsupportedMediaType], JSON_LIMITS])
            .problems(&[&[Code::UnknownDataset], SERVING, BUSY]),
        Endpoint::of::<list::__path_list>(Access::EVALUATIONS, || web::to(list::list)).problems(&[QUERY]),
        // This must precede the pattern of evaluations, which would match it.
        Endpoint::of::<compare::__path_compare>(Access::EVALUATIONS, || web::to(compare::compare))
            .problems(&[QUERY, NO_EVALUATION, FORMAT])
            .problem(Code::Conflict, NOT_SUCCEEDED)
            .problems(&[&[Code::NotComparable]]),
        Endpoint::of::<get::__path_get>(Access::EVALUATIONS, || web::to(get::get))
            .problems(&[NO_EVALUATION]),
        Endpoint::of::<delete::__path_delete>(Access::EVALUATION_CHANGES, || web::to(delete::delete))
            .problems(&[QUERY, NO_EVALUATION])
            .problem(
                Code::Conflict,
                "`purge=true`, but the evaluation is queued or running; cancel it first",
            ),
        Endpoint::of::<events::__path_events>(Access::EVALUATIONS, || web::to(events::events))
            .without_head()
            .problems(&[NO_EVALUATION]),
        Endpoint::of::<predictions::__path_predictions>(Access::EVALUATIONS, || web::to(predictions::predictions))
            .problems(&[NO_EVALUATION])
            .problem(Code::Conflict, NOT_SUCCEEDED),
        Endpoint::of::<report::__path_report>(Access::EVALUATIONS, || web::to(report::report))
            .problems(&[QUERY, NO_EVALUATION, FORMAT])
            .problem(Code::Conflict, NOT_SUCCEEDED),
        Endpoint::of::<datasets::__path_list>(Access::EVALUATIONS, || web::to(datasets::list)),
        Endpoint::of::<datasets::__path_image>(Access::EVALUATIONS, || web::to(datasets::image))
            .problems(&[&[Code::UnknownDataset, Code::UnknownImage]]),
    ]
}

fn models() -> [Endpoint; 13] {
    [
        Endpoint::of::<models::__path_list>(Access::MODELS, || web::to(models::list)),
        Endpoint::of::<models::__path_get>(Access::MODELS, || web::to(models::get)).problems(&[NO_MODEL]),
        Endpoint::of::<load::__path_load>(Access::MODEL_CHANGES, || web::to(load::load))
            .problems(&[NO_MODEL])
            .problem(
                Code::InvalidModel,
                "a version cannot be served; the detail has the reason. The previous version continues to serve",
            )
            .problems(&[&[Code::Internal], BUSY]),
        Endpoint::of::<load::__path_unload>(Access::MODEL_CHANGES, || web::to(load::unload))
            .problems(&[NO_MODEL, BUSY]),
        Endpoint::of::<pin::__path_pin>(Access::MODEL_CHANGES, || web::to(pin::pin))
            .problems(&[NO_MODEL])
            .problem(Code::Conflict, "no version of the model is loaded")
            .problems(&[BUSY]),
        Endpoint::of::<pin::__path_unpin>(Access::MODEL_CHANGES, || web::to(pin::unpin))
            .problems(&[NO_MODEL])
            .problem(Code::Conflict, "a promotion of the model is pending")
            .problems(&[BUSY]),
        Endpoint::of::<promotions::create::__path_create>(Access::MODEL_CHANGES, || web::to(promotions::create::create))
            .problems(&[JSON, JSON_LIMITS, NO_MODEL])
            .problem(
                Code::UnknownVersion,
                "the models directory does not contain the version",
            )
            .problems(&[&[Code::UnknownDataset]])
            .problem(
                Code::Conflict,
                "the version serves already, no version is loaded, or a promotion of the model is pending",
            )
            .problems(&[&[Code::ShadowNotPassed], BUSY]),
        Endpoint::of::<promotions::list::__path_list>(Access::PROMOTIONS, || web::to(promotions::list::list))
            .problems(&[QUERY, NO_MODEL]),
        Endpoint::of::<promotions::get::__path_get>(Access::PROMOTIONS, || web::to(promotions::get::get))
            .problems(&[NO_PROMOTION]),
        Endpoint::of::<promotions::cancel::__path_cancel>(Access::MODEL_CHANGES, || web::to(promotions::cancel::cancel))
            .problems(&[NO_PROMOTION]),
        Endpoint::of::<shadow::__path_create>(Access::MODEL_CHANGES, || web::to(shadow::create))
            .problems(&[JSON, JSON_LIMITS, NO_MODEL])
            .problem(
                Code::UnknownVersion,
                "the models directory does not contain the candidate",
            )
            .problem(
                Code::Conflict,
                "the version does not serve, the candidate serves already, or a shadow of the model is running",
            )
            .problems(&[&[Code::NotComparable, Code::InvalidModel, Code::Internal], BUSY]),
        Endpoint::of::<shadow::__path_get>(Access::MODELS, || web::to(shadow::get)).problems(&[NO_SHADOW]),
        Endpoint::of::<shadow::__path_end>(Access::MODEL_CHANGES, || web::to(shadow::end)).problems(&[NO_SHADOW]),
    ]
}

fn operation() -> [Endpoint; 6] {
    [
        Endpoint::of::<health::__path_live>(Access::Public, || web::to(health::live))
            .log_at_debug(),
        Endpoint::of::<health::__path_ready>(Access::Public, || web::to(health::ready))
            .log_at_debug(),
        Endpoint::of::<metrics::__path_metrics>(Access::METRICS, || web::to(metrics::metrics))
            .log_at_debug(),
        Endpoint::of::<documentation::__path_openapi>(Access::Public, || {
            web::to(documentation::openapi)
        }),
        Endpoint::page(web_ui::PATH, || web::to(web_ui::index)),
        Endpoint::page(web_ui::FILES_PATH, || web::to(web_ui::file)),
    ]
}

fn inference_protocol() -> [Endpoint; 12] {
    use self::oip::models;

    let versioned = |endpoint: Endpoint| {
        endpoint
            .with_version(MODEL, VERSION)
            .problem(Code::UnknownModel, "the model is not loaded")
    };
    [
        Endpoint::of::<server::__path_metadata>(Access::Public, || web::to(server::metadata)),
        Endpoint::of::<server::__path_live>(Access::Public, || web::to(server::live)).log_at_debug(),
        Endpoint::of::<server::__path_ready>(Access::Public, || web::to(server::ready)).log_at_debug(),
        // This must precede the pattern of models, which would match it.
        Endpoint::of::<models::__path_all_statistics>(Access::STATISTICS, || web::to(models::all_statistics)),
        Endpoint::of::<repository::__path_index>(Access::MODELS, || web::to(repository::index))
            .problems(&[JSON, JSON_LIMITS, BUSY]),
        Endpoint::of::<repository::__path_load>(Access::MODEL_CHANGES, || web::to(repository::load))
            .problem(
                Code::InvalidRequest,
                "the body is invalid, or the model cannot be served and the previous version continues to serve",
            )
            .problems(&[&[Code::UnsupportedMediaType], JSON_LIMITS, NO_MODEL, BUSY]),
        Endpoint::of::<repository::__path_unload>(Access::MODEL_CHANGES, || web::to(repository::unload))
            .problems(&[JSON, JSON_LIMITS, NO_MODEL, BUSY]),
        versioned(Endpoint::of::<models::__path_metadata>(Access::MODELS, || web::to(models::metadata))),
        versioned(Endpoint::of::<models::__path_ready>(Access::MODELS, || web::to(models::ready))),
        versioned(Endpoint::of::<models::__path_config>(Access::MODELS, || web::to(models::config))),
        versioned(Endpoint::of::<models::__path_statistics>(Access::STATISTICS, || web::to(models::statistics))),
        versioned(Endpoint::of::<infer::__path_infer>(Access::INFERENCE, || web::to(infer::infer)))
            .problems(&[IMAGE, IMAGES, BUSY]),
    ]
}

/// Returns the error of a path that no route matches.
pub(super) async fn not_found(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let detail = format!("no route matches {}; see /docs", Excerpt(request.path()));
    Err(ApiError::new(Code::NotFound, detail))
}
