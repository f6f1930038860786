//! The OpenAPI document, assembled from the routes. `openapi/openapi.json` is its committed copy.

use actix_web::HttpResponse;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        HeaderBuilder, PathItem, RefOr, Required,
        path::{ParameterBuilder, ParameterIn},
        schema::{ObjectBuilder, Type},
    },
};

use super::{
    error::Problem,
    routes::{classify, datasets, evaluations, explain, health, metrics, models, oip},
};

/// Path of the document.
pub const PATH: &str = "/openapi.json";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "mien",
        description = "Facial-expression classification: a picture of a face in, a label with its \
            probabilities out. Errors are RFC 9457 problems with a stable `code`. Every response has an \
            `X-Request-Id`, the client's own where it sent one.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "classification", description = "Classify images and explain predictions."),
        (name = "evaluations", description = "Measure the accuracy of a served model on a data set of the server."),
        (name = "models", description = "List, load, unload, pin and promote models."),
        (name = "inference", description = "The Open Inference Protocol v2 of KServe and Triton. Errors are `{\"error\": text}`."),
        (name = "operation", description = "Health and metrics.")
    ),
    paths(
        classify::classify,
        explain::explain,
        evaluations::create,
        evaluations::list,
        evaluations::one,
        evaluations::delete,
        evaluations::compare::compare,
        evaluations::events::events,
        evaluations::predictions::predictions,
        evaluations::report::report,
        datasets::list,
        datasets::image,
        models::list,
        models::one,
        models::load,
        models::unload,
        models::pin::pin,
        models::pin::unpin,
        models::promotions::create,
        models::promotions::list,
        models::promotions::one,
        models::promotions::cancel,
        health::live,
        health::ready,
        metrics::metrics,
        oip::server::metadata,
        oip::server::live,
        oip::server::ready,
        oip::models::metadata,
        oip::models::ready,
        oip::models::config,
        oip::models::statistics,
        oip::models::all_statistics,
        oip::infer::infer,
        oip::repository::index,
        oip::repository::load,
        oip::repository::unload,
        serve
    ),
    components(schemas(Problem)),
    modifiers(&Finish)
)]
struct Document;

/// Returns the whole document.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// Return the OpenAPI document.
#[utoipa::path(get, path = PATH, tag = "operation", operation_id = "openapi",
    responses((status = 200, description = "The API as OpenAPI 3.1.", body = serde_json::Value)))]
pub async fn serve() -> HttpResponse {
    HttpResponse::Ok().json(document())
}

/// Adds the header of the middleware to every response and removes fields that utoipa adds by default.
struct Finish;

impl Modify for Finish {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        // The manifest has no authors, which utoipa turns into a contact without a name.
        document.info.contact = None;
        let versions: Vec<(String, PathItem)> = document
            .paths
            .paths
            .iter()
            .filter_map(|(path, item)| of_version(path, item))
            .collect();
        document.paths.paths.extend(versions);
        let operations = document.paths.paths.values_mut().flat_map(|item| {
            [
                &mut item.get,
                &mut item.post,
                &mut item.put,
                &mut item.delete,
            ]
            .into_iter()
            .flatten()
        });
        for response in operations.flat_map(|operation| operation.responses.responses.values_mut())
        {
            if let RefOr::T(response) = response {
                let header = HeaderBuilder::new()
                    .description(Some("Identifier of the request."))
                    .build();
                response
                    .headers
                    .insert("X-Request-Id".to_owned(), header.into());
            }
        }
    }
}

/// Returns the path of a version for a path of a model in the Open Inference Protocol v2.
fn of_version(path: &str, item: &PathItem) -> Option<(String, PathItem)> {
    let end = path.strip_prefix(oip::MODEL_PREFIX)?;
    let mut item = item.clone();
    for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
        let text = ObjectBuilder::new().schema_type(Type::String).build();
        let version = ParameterBuilder::new()
            .name("version")
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(text))
            .description(Some("Version of the model."));
        operation
            .parameters
            .get_or_insert_default()
            .push(version.build().into());
        if let Some(id) = &mut operation.operation_id {
            id.push_str("Version");
        }
    }
    Some((format!("{}{end}", oip::VERSION_PREFIX), item))
}
