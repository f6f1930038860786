//! `GET /openapi.json` and `GET /docs`: the API reference.

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};

use actix_web::{
    HttpResponse, guard,
    http::header::{CONTENT_ENCODING, HeaderName, HeaderValue},
    middleware::DefaultHeaders,
    web::{self, Bytes},
};
use utoipa_swagger_ui::Config;

use super::web_ui;
use crate::{
    app::AppState,
    http::{self, ApiError, connection::StaticBody, error::Code},
    notice::Notice,
};

const PATH: &str = "/openapi.json";

/// Return the OpenAPI document.
#[utoipa::path(get, path = PATH, tag = "operation", operation_id = "openapi",
    responses((status = 200, description = "The API as OpenAPI 3.1.", body = serde_json::Value)))]
pub async fn openapi(state: web::Data<AppState>) -> HttpResponse {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| {
        let document = serde_json::to_vec(http::openapi());
        document.expect("the document has only string keys").into()
    });
    let body = match &state.notice {
        None => &*DOCUMENT,
        Some(notice) => state
            .document_with_notice
            .get_or_init(|| with_notice(notice)),
    };
    static_response(mime::APPLICATION_JSON.as_ref(), body.clone())
}

/// Returns the document with the notice of the operator.
fn with_notice(notice: &Notice) -> Bytes {
    let document = serde_json::to_value(http::openapi());
    let mut document = document.expect("the document has only string keys");
    document["info"]["x-notice"] = notice.as_str().into();
    document.to_string().into()
}

/// Returns a file of Swagger UI. The service of its crate copies the file for each request.
async fn swagger_ui(file: web::Path<String>) -> Result<HttpResponse, ApiError> {
    static CONFIG: LazyLock<Arc<Config<'_>>> = LazyLock::new(|| Arc::new(Config::from(PATH)));
    let file = utoipa_swagger_ui::serve(&file, Arc::clone(&CONFIG));
    let Some(file) = file.map_err(ApiError::internal)? else {
        return Err(ApiError::new(Code::NotFound, "unknown file of Swagger UI"));
    };
    let body = match file.bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    };
    let mut response = static_response(&file.content_type, body);
    if file.gzpipped {
        let gzip = HeaderValue::from_static("gzip");
        response.headers_mut().insert(CONTENT_ENCODING, gzip);
    }
    Ok(response)
}

/// Returns a response whose body is not copied.
fn static_response(media_type: &str, body: Bytes) -> HttpResponse {
    let mut response = HttpResponse::Ok().content_type(media_type).body(body);
    response.extensions_mut().insert(StaticBody);
    response
}

/// Registers Swagger UI.
pub(in crate::http) fn configure(config: &mut web::ServiceConfig) {
    let files = web::resource("/{file:.*}")
        .guard(guard::Get())
        .to(swagger_ui);
    config.service(web::redirect("/docs", "/docs/")).service(
        web::scope("/docs")
            .wrap(headers(web_ui::policy(web_ui::DOCS_POLICY)))
            .service(files),
    );
}

/// Returns the headers of every response below a path.
fn headers(headers: [(HeaderName, &'static str); 3]) -> DefaultHeaders {
    headers
        .into_iter()
        .fold(DefaultHeaders::new(), DefaultHeaders::add)
}
