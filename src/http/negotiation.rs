//! Which form of an answer a client wants.

use actix_web::{
    HttpRequest,
    http::header::{Accept, Header},
};
use mime::Mime;

/// The one of `offers` that the client's `Accept` header puts first; the first of them where it has none or names nothing
/// that is offered. Clients that are more exact than their header say so in the query.
pub(super) fn accepted<T: Copy>(request: &HttpRequest, offers: &[(Mime, T)]) -> Option<T> {
    let wanted = Accept::parse(request).map(|accept| accept.ranked()).unwrap_or_default();
    let offer = |range: &Mime| offers.iter().find(|(offer, _)| includes(range, offer));
    wanted.iter().find_map(offer).or(offers.first()).map(|(_, form)| *form)
}

/// Whether a range such as `image/*` includes a media type.
fn includes(range: &Mime, offer: &Mime) -> bool {
    let fits = |wanted: mime::Name<'_>, given| wanted == mime::STAR || wanted == given;
    fits(range.type_(), offer.type_()) && fits(range.subtype(), offer.subtype())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_client_chooses_and_else_the_first_offer_stands() {
        let offers = [(mime::APPLICATION_JSON, 'j'), (mime::IMAGE_PNG, 'p')];
        let choice = |accept: Option<&str>| {
            let request = TestRequest::default();
            let request = match accept {
                Some(accept) => request.insert_header(("accept", accept)),
                None => request,
            };
            accepted(&request.to_http_request(), &offers).unwrap()
        };
        for accept in [None, Some("*/*"), Some("application/*"), Some("text/plain"), Some("?")] {
            assert_eq!(choice(accept), 'j', "{accept:?}");
        }
        for accept in ["image/png", "image/*", "image/webp, image/png;q=0.5, */*;q=0.1"] {
            assert_eq!(choice(Some(accept)), 'p', "{accept}");
        }
        assert_eq!(choice(Some("image/png;q=0.5, application/json")), 'j');
    }
}
