//! The error responses of an endpoint in the OpenAPI document.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use utoipa::{
    PartialSchema,
    openapi::{ContentBuilder, Header, HeaderBuilder, Ref, RefOr, Response, ResponseBuilder},
};

use crate::http::error::{Code, PROBLEM_JSON, is_oip};

/// Returns one response per status. Errors with the same status share a response.
pub(super) fn responses(
    path: &str,
    problems: &[(Code, &'static str)],
) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<StatusCode, Vec<String>> = BTreeMap::new();
    for (code, description) in problems {
        let text = if is_oip(path) {
            capitalize(description)
        } else {
            format!("`{}`: {description}", code.name())
        };
        by_status.entry(code.status()).or_default().push(text + ".");
    }
    let responses = by_status.into_iter().map(|(status, texts)| {
        let response = response(path, status, texts.join(" "));
        (status.as_u16().to_string(), RefOr::T(response))
    });
    responses.collect()
}

fn response(path: &str, status: StatusCode, description: String) -> Response {
    let (media_type, schema) = if is_oip(path) {
        ("application/json", "OipError")
    } else {
        (PROBLEM_JSON, "Problem")
    };
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema)));
    let response = ResponseBuilder::new()
        .description(description)
        .content(media_type, content.build());
    let names: &[&str] = match status {
        StatusCode::SERVICE_UNAVAILABLE => &["Retry-After"],
        StatusCode::TOO_MANY_REQUESTS => &["Retry-After", "RateLimit", "RateLimit-Policy"],
        _ => &[],
    };
    let with_header = |response: ResponseBuilder, name: &&str| response.header(*name, header(name));
    names.iter().fold(response, with_header).build()
}

/// Returns the description of a header of rejected requests.
fn header(name: &str) -> Header {
    let (schema, description) = match name {
        "RateLimit" => (
            String::schema(),
            "The exhausted limit: `r` is the number of images that are left, `t` the time in seconds until the request can be sent again.",
        ),
        "RateLimit-Policy" => (
            String::schema(),
            "The limit: `q` images per window of `w` seconds, or `q` concurrent images.",
        ),
        _ => (
            u64::schema(),
            "Time to wait before the next attempt, in seconds, at least 1.",
        ),
    };
    HeaderBuilder::new()
        .schema(Some(schema))
        .description(Some(description))
        .build()
}

fn capitalize(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}
