//! The OpenAPI document, assembled from the endpoints. `openapi/openapi.json` is its committed copy.

mod problems;
mod security;

use std::collections::BTreeMap;

use utoipa::{
    OpenApi, PartialSchema,
    openapi::{
        HeaderBuilder, RefOr, Required, Response,
        path::{Operation, ParameterBuilder, ParameterIn},
    },
};

use super::{
    endpoint::Endpoint,
    error::{OipError, Problem},
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "mien",
        description = "Facial-expression classification: the server receives images of faces and returns a label with \
            its probabilities. Errors are RFC 9457 problems with a stable `code`. Every response has an \
            `X-Request-Id`. It is the client's own identifier if the request has a valid one.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "classification", description = "Classify images and explain predictions."),
        (name = "evaluations", description = "Measure the accuracy of a served model on a data set of the server."),
        (name = "models", description = "List, load, unload, pin, promote and shadow models."),
        (name = "inference", description = "The Open Inference Protocol v2 of KServe and Triton. Errors are `{\"error\": text}`."),
        (name = "operation", description = "Health and metrics.")
    ),
    components(schemas(Problem, OipError))
)]
struct Document;

/// Returns the whole document.
pub(super) fn document(endpoints: &[Endpoint]) -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    // The manifest has no authors, which utoipa turns into a contact without a name.
    document.info.contact = None;
    let mut components = document.components.take().unwrap_or_default();
    for endpoint in endpoints {
        let Some(description) = endpoint.description() else {
            continue;
        };
        components.schemas.extend(description.schemas());
        let mut described = description.operation();
        security::add_credentials(&mut described, endpoint.access());
        for (position, path) in endpoint.paths().iter().enumerate() {
            let problems = problems::responses(path, endpoint.documented_problems());
            let mut operation = finish(described.clone(), problems);
            if position > 0 {
                add_version(&mut operation);
            }
            let methods = vec![description.method.clone()];
            let paths = &mut document.paths;
            paths.add_path_operation(path.as_str(), methods, operation);
        }
    }
    security::add_schemes(&mut components);
    document.components = Some(components);
    document
}

/// Adds the error responses and the headers of the middleware.
fn finish(mut operation: Operation, problems: BTreeMap<String, RefOr<Response>>) -> Operation {
    operation.responses.responses.extend(problems);
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            let header = HeaderBuilder::new()
                .description(Some("Identifier of the request."))
                .build();
            response
                .headers
                .insert("X-Request-Id".to_owned(), header.into());
        }
    }
    operation
}

/// Adds the version of a model to an operation of the Open Inference Protocol v2.
fn add_version(operation: &mut Operation) {
    let version = ParameterBuilder::new()
        .name("version")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(String::schema()))
        .description(Some("Version of the model."));
    operation
        .parameters
        .get_or_insert_default()
        .push(version.build().into());
    if let Some(id) = &mut operation.operation_id {
        id.push_str("Version");
    }
}
