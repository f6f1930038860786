//! Content negotiation (RFC 9110, section 12.5.1).

use actix_web::{
    HttpRequest,
    http::header::{Accept, Header, Quality},
};
use mime::Mime;

use crate::http::error::{ApiError, Code};

/// The form, of those that are offered by their media types, that `Accept` likes best: by its quality, then by how closely
/// it was named, then the first. The first where it says nothing.
///
/// # Errors
/// 406 where `Accept` names none of them.
pub(in crate::http) fn best<T: Copy>(
    request: &HttpRequest,
    offers: &[(&str, T)],
) -> Result<T, ApiError> {
    let accept = Accept::parse(request)
        .ok()
        .filter(|accept| !accept.is_empty());
    let liked = offers.iter().rev().filter_map(|&(essence, form)| {
        let Some(accept) = &accept else {
            return Some(((Quality::MAX, 0), form));
        };
        let (closeness, quality) = place(essence, accept)?;
        (quality > Quality::ZERO).then_some(((quality, closeness), form))
    });
    // `max_by_key` returns the last of equals; the offers are reversed, so this is the first offer.
    let best = liked.max_by_key(|(place, _)| *place).map(|(_, form)| form);
    best.ok_or_else(|| {
        let known: Vec<&str> = offers.iter().map(|(essence, _)| *essence).collect();
        let detail = format!(
            "not acceptable; the available media types are {}",
            known.join(", ")
        );
        ApiError::new(Code::NotAcceptable, detail)
    })
}

/// Returns the specificity and quality of the most specific range of `Accept` that matches a media type.
fn place(essence: &str, accept: &Accept) -> Option<(u8, Quality)> {
    let ranges = accept.iter();
    let places = ranges.filter_map(|range| Some((closeness(essence, &range.item)?, range.quality)));
    places.max_by_key(|(closeness, _)| *closeness)
}

fn closeness(essence: &str, range: &Mime) -> Option<u8> {
    let (kind, _) = essence.split_once('/')?;
    match range.essence_str() {
        "*/*" => Some(0),
        _ if range.subtype() == mime::STAR && range.type_() == kind => Some(1),
        named if named == essence => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn wanted(accept: Option<&str>) -> Result<char, ApiError> {
        let offers = [
            ("application/json", 'j'),
            ("text/html", 'h'),
            ("text/markdown", 'm'),
        ];
        let request = TestRequest::default();
        let request = match accept {
            Some(accept) => request.insert_header(("accept", accept)),
            None => request,
        };
        best(&request.to_http_request(), &offers)
    }

    #[test]
    fn best_offer_has_highest_quality_then_specificity() {
        assert_eq!(wanted(None), Ok('j'));
        for (accept, form) in [
            ("*/*", 'j'),
            ("", 'j'),
            ("text/html", 'h'),
            ("TEXT/Markdown; charset=utf-8", 'm'),
            ("text/*", 'h'),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                'h',
            ),
            ("application/json, text/plain, */*", 'j'),
            ("text/html, application/json", 'j'),
            ("text/html, */*", 'h'),
            (
                "text/html;q=0.4, text/markdown;q=0.5, application/json;q=0.3",
                'm',
            ),
            ("*/*, application/json;q=0", 'h'),
            ("text/*;q=0.9, text/html;q=0.1, application/json;q=0.5", 'm'),
            ("image/png, nonsense, text/markdown;q=0.1", 'm'),
        ] {
            assert_eq!(wanted(Some(accept)), Ok(form), "{accept}");
        }
    }

    #[test]
    fn unavailable_media_type_is_not_acceptable() {
        for accept in ["image/png", "application/*;q=0", "text/html;q=0", "*/*;q=0"] {
            let error = wanted(Some(accept)).unwrap_err();
            assert_eq!(error.code(), Code::NotAcceptable, "{accept}");
        }
    }
}
