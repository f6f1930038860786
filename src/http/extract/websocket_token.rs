//! The credentials of a WebSocket handshake of a web page. Pages cannot set other headers of the handshake than the subprotocols.

use actix_web::http::header::{HeaderMap, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// Start of the subprotocol with the key or the admin token in base64url without padding.
const PREFIX: &str = "mien.bearer.";

/// Returns the key or token among the subprotocols of a handshake, or `None` for another request.
pub(in crate::http) fn websocket_token(headers: &HeaderMap) -> Option<Vec<u8>> {
    let upgrade = headers.get(UPGRADE)?;
    if !upgrade.as_bytes().eq_ignore_ascii_case(b"websocket") {
        return None;
    }
    let headers = headers.get_all(SEC_WEBSOCKET_PROTOCOL);
    let protocols = headers
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let encoded = protocols
        .filter_map(|protocol| protocol.trim().strip_prefix(PREFIX))
        .next()?;
    URL_SAFE_NO_PAD.decode(encoded).ok()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(UPGRADE, HeaderValue::from_static("WebSocket"));
        for value in values {
            headers.append(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(value));
        }
        headers
    }

    fn token(values: &[&'static str]) -> Option<String> {
        websocket_token(&headers(values)).map(|token| String::from_utf8(token).unwrap())
    }

    #[test]
    fn token_is_read_from_any_subprotocol() {
        let expected = Some("mien_a?b~".to_owned());
        assert_eq!(token(&["mien.live, mien.bearer.bWllbl9hP2J-"]), expected);
        assert_eq!(token(&["mien.bearer.bWllbl9hP2J-,mien.live"]), expected);
        assert_eq!(token(&["mien.live", "mien.bearer.bWllbl9hP2J-"]), expected);
    }

    #[test]
    fn other_requests_do_not_have_token() {
        let mut headers = headers(&["mien.bearer.bWllbl9hP2J-"]);
        headers.insert(UPGRADE, HeaderValue::from_static("h2c"));
        assert_eq!(websocket_token(&headers), None);
        headers.remove(UPGRADE);
        assert_eq!(websocket_token(&headers), None);
    }

    #[test]
    fn other_subprotocols_do_not_have_token() {
        for values in [
            &[][..],
            &["mien.live"],
            &["mien.bearer.bWllbl9hP2J+"],
            &["mien.bearer.bWllbl9hP2J"],
            &["x.mien.bearer.bWllbl9h"],
        ] {
            assert_eq!(token(values), None, "{values:?}");
        }
    }
}
