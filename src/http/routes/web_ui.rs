//! `GET /` and `GET /web/{file}`: the web UI, from the files of `web/` that are embedded in the program.
//!
//! The content security policy `PAGE_POLICY` allows only files of this server, and no inline scripts or styles.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, EntityTag, IfNoneMatch},
    web,
};
use maud::Render;
use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest, Sha256};

use crate::{
    app::AppState,
    http::{ApiError, error::Code, response::compression::Format},
    notice::Notice,
};

pub(super) const PATH: &str = "/";
pub(super) const FILES_PATH: &str = "/web/{file}";

/// Placeholder of the notice in `index.html`.
const NOTICE_MARK: &str = "<!-- notice -->";

/// `Content-Security-Policy` of the web UI. Images that a user selects are shown from the memory of the browser (`blob:`).
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `Content-Security-Policy` of Swagger UI, which uses inline styles and `data:` images.
pub(super) const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Headers of a policy and the other security headers.
pub(super) fn policy(policy: &'static str) -> [(header::HeaderName, &'static str); 3] {
    [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ]
}

/// The files of `web/`. A debug build reads them from the checkout at each request.
#[derive(RustEmbed)]
#[folder = "web/"]
struct Files;

/// Return the web UI.
pub async fn index(
    request: HttpRequest,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let (media_type, file) = find("index.html")?;
    let Some(notice) = &state.notice else {
        return respond(&request, media_type, &file.data, &file_tag(&file));
    };
    let page = with_notice(&file.data, notice)?;
    respond(
        &request,
        media_type,
        page.as_bytes(),
        &entity_tag(&Sha256::digest(&page)),
    )
}

/// Return a file of the web UI.
pub async fn file(request: HttpRequest, name: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let (media_type, file) = find(&name)?;
    respond(&request, media_type, &file.data, &file_tag(&file))
}

/// Returns the media type and the content of a file.
fn find(name: &str) -> Result<(&'static str, EmbeddedFile), ApiError> {
    let known = media_type(name).zip(Files::get(name));
    known.ok_or_else(|| ApiError::new(Code::NotFound, "unknown file of the web UI"))
}

/// Returns the page with the notice of the operator.
fn with_notice(page: &[u8], notice: &Notice) -> Result<String, ApiError> {
    let page = str::from_utf8(page).map_err(ApiError::internal)?;
    Ok(page.replacen(NOTICE_MARK, &notice.render().into_string(), 1))
}

fn respond(
    request: &HttpRequest,
    media_type: &str,
    body: &[u8],
    tag: &EntityTag,
) -> Result<HttpResponse, ApiError> {
    let mut response = HttpResponse::Ok();
    for header in policy(PAGE_POLICY) {
        response.insert_header(header);
    }
    response
        .insert_header(header::ETag(tag.clone()))
        // Clients revalidate at each request and get 304 until the program changes.
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::VARY, "accept-encoding"))
        .insert_header((
            "permissions-policy",
            "camera=(self), microphone=(), geolocation=()",
        ));
    if is_known(request, tag) {
        return Ok(response
            .status(actix_web::http::StatusCode::NOT_MODIFIED)
            .finish());
    }
    response.content_type(media_type);
    let Some(format) = Format::accepted(request) else {
        return Ok(response.body(body.to_vec()));
    };
    let compressed = format.compress(body).map_err(ApiError::internal)?;
    Ok(response
        .insert_header((header::CONTENT_ENCODING, format.name()))
        .body(compressed))
}

fn file_tag(file: &EmbeddedFile) -> EntityTag {
    entity_tag(&file.metadata.sha256_hash())
}

/// Returns the tag of a SHA-256. It is weak, because it does not depend on the content coding.
fn entity_tag(sha256: &[u8]) -> EntityTag {
    EntityTag::new_weak(hex::encode(&sha256[..16]))
}

/// Returns whether the client has the file already.
fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    match header::Header::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}

/// Returns the media type of a file of the web UI, or `None` for an unknown name.
fn media_type(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    match extension {
        "html" => Some("text/html; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}
