//! Content negotiation (RFC 9110, section 12.5.1).

use actix_web::{
    HttpRequest,
    http::header::{Accept, Header, Quality},
};
use mime::Mime;

use crate::http::error::{ApiError, Code};

/// Selects the offer whose media type `Accept` prefers: the one with the highest quality, among equals the one with the most
/// specific media range, among equals the first. Without `Accept` the first offer is selected.
///
/// # Errors
/// Returns 406 if `Accept` matches no offer.
pub(in crate::http) fn best<T: Copy>(
    request: &HttpRequest,
    offers: &[(&str, T)],
) -> Result<T, ApiError> {
    let accept = Accept::parse(request)
        .ok()
        .filter(|accept| !accept.is_empty());
    let accepted = offers.iter().rev().filter_map(|&(essence, format)| {
        let Some(accept) = &accept else {
            return Some(((Quality::MAX, 0), format));
        };
        let (specificity, quality) = match_range(essence, accept)?;
        (quality > Quality::ZERO).then_some(((quality, specificity), format))
    });
    // `max_by_key` returns the last of equals; the offers are reversed, so this is the first offer.
    let best = accepted
        .max_by_key(|(rank, _)| *rank)
        .map(|(_, format)| format);
    best.ok_or_else(|| {
        let available: Vec<&str> = offers.iter().map(|(essence, _)| *essence).collect();
        let detail = format!(
            "not acceptable; the available media types are {}",
            available.join(", ")
        );
        ApiError::new(Code::NotAcceptable, detail)
    })
}

/// Returns the specificity and quality of the most specific range of `Accept` that matches a media type.
fn match_range(essence: &str, accept: &Accept) -> Option<(u8, Quality)> {
    let ranges = accept.iter();
    let matches =
        ranges.filter_map(|range| Some((specificity(essence, &range.item)?, range.quality)));
    matches.max_by_key(|(specificity, _)| *specificity)
}

/// Returns how specific a media range is that matches a media type: 0 for `*/*`, 1 for `type/*`, 2 for the type itself.
fn specificity(essence: &str, range: &Mime) -> Option<u8> {
    let (top_level, _) = essence.split_once('/')?;
    match range.essence_str() {
        "*/*" => Some(0),
        _ if range.subtype() == mime::STAR && range.type_() == top_level => Some(1),
        range if range == essence => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn selected(accept: Option<&str>) -> Result<char, ApiError> {
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
        assert_eq!(selected(None), Ok('j'));
        for (accept, format) in [
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
            assert_eq!(selected(Some(accept)), Ok(format), "{accept}");
        }
    }

    #[test]
    fn unavailable_media_type_is_not_acceptable() {
        for accept in ["image/png", "application/*;q=0", "text/html;q=0", "*/*;q=0"] {
            let error = selected(Some(accept)).unwrap_err();
            assert_eq!(error.code(), Code::NotAcceptable, "{accept}");
        }
    }
}
