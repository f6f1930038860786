use super::*;
use crate::auth::request::is_forwarding;

const LOCAL: &str = "127.0.0.1:8080";
const PUBLIC: &str = "0.0.0.0:8080";

fn auth(token: Option<&str>, listener: &str) -> AdminAuth {
    let token = token.map(|token| token.parse().unwrap());
    AdminAuth::new(token, listener.parse().unwrap(), AllowedSites::default())
}

fn with_token(authorization: &str) -> ClientRequest<'_> {
    ClientRequest {
        authorization: Some(authorization.as_bytes()),
        ..ClientRequest::default()
    }
}

fn to(host: &str) -> ClientRequest<'_> {
    ClientRequest {
        host: Some(host),
        ..ClientRequest::default()
    }
}

fn from(auth: &AdminAuth, origin: &str, host: &str) -> Result<(), AuthError> {
    auth.authorize(&ClientRequest {
        origin: Some(origin),
        ..to(host)
    })
}

#[test]
fn only_correct_token_is_authorized() {
    let auth = auth(Some("0123456789abcdef"), LOCAL);
    for right in ["Bearer 0123456789abcdef", "bearer 0123456789abcdef"] {
        assert_eq!(auth.authorize(&with_token(right)), Ok(()));
    }
    let wrong = [
        "",
        "Bearer",
        "Bearer ",
        "Bearer 0123456789abcdeF",
        "Basic 0123456789abcdef",
    ];
    for wrong in wrong
        .into_iter()
        .chain(["0123456789abcdef", "Bearer 0123456789abcdef0"])
    {
        assert_eq!(
            auth.authorize(&with_token(wrong)),
            Err(AuthError::Unauthorized),
            "{wrong}"
        );
    }
    assert_eq!(
        auth.authorize(&to("localhost")),
        Err(AuthError::Unauthorized)
    );
    let from_proxy = ClientRequest {
        origin: Some("https://other.example"),
        host: Some("faces.example"),
        is_forwarded: true,
        ..with_token("Bearer 0123456789abcdef")
    };
    assert_eq!(auth.authorize(&from_proxy), Ok(()));
}

#[test]
fn missing_token_authorizes_loopback_only() {
    let local = to("localhost");
    assert_eq!(auth(None, LOCAL).authorize(&local), Ok(()));
    assert_eq!(auth(None, "[::1]:0").authorize(&local), Ok(()));
    assert_eq!(
        auth(None, PUBLIC).authorize(&local),
        Err(AuthError::Disabled)
    );
}

#[test]
fn missing_token_requires_loopback_host() {
    let auth = auth(None, LOCAL);
    for host in [
        "localhost",
        "LOCALHOST:80",
        "127.0.0.1:8080",
        "127.1.2.3",
        "[::1]:8080",
    ] {
        assert_eq!(auth.authorize(&to(host)), Ok(()), "{host}");
    }
    for host in [
        "",
        "faces.example",
        "faces.example:8080",
        "localhost.example",
        "192.0.2.1:8080",
        "user@localhost",
        "localhost,faces.example",
        "127.0.0.1:80:80",
    ] {
        assert_eq!(
            auth.authorize(&to(host)),
            Err(AuthError::NotLocal),
            "{host}"
        );
    }
    assert_eq!(
        auth.authorize(&ClientRequest::default()),
        Err(AuthError::NotLocal)
    );
}

#[test]
fn missing_token_rejects_requests_of_proxies() {
    let forwarded = ClientRequest {
        is_forwarded: true,
        ..to("localhost:8080")
    };
    let result = auth(None, LOCAL).authorize(&forwarded);
    assert_eq!(result, Err(AuthError::Forwarded));
    for header in [
        "forwarded",
        "via",
        "x-real-ip",
        "x-forwarded-for",
        "x-forwarded-proto",
    ] {
        assert!(is_forwarding(header), "{header}");
    }
    for header in ["host", "x-request-id", "origin", "user-agent"] {
        assert!(!is_forwarding(header), "{header}");
    }
}

#[test]
fn missing_token_requires_same_origin() {
    let auth = auth(None, LOCAL);
    for host in [
        "localhost:8080",
        "127.0.0.1:8080",
        "[::1]:8080",
        "localhost",
    ] {
        assert_eq!(
            from(&auth, &format!("http://{host}"), host),
            Ok(()),
            "{host}"
        );
    }
    for (origin, host) in [
        ("http://evil.example", LOCAL),
        ("http://localhost:3000", "localhost:8080"),
        ("null", LOCAL),
        ("", LOCAL),
    ] {
        assert_eq!(
            from(&auth, origin, host),
            Err(AuthError::CrossOrigin),
            "{origin} {host}"
        );
    }
}

#[test]
fn short_or_non_ascii_tokens_are_invalid() {
    for weak in [
        "",
        "short",
        "fifteen letters",
        "sixteen with spaces",
        "sechzehn-buchstäben",
    ] {
        assert_eq!(
            weak.parse::<AdminToken>().unwrap_err(),
            InvalidToken,
            "{weak}"
        );
    }
    let token: AdminToken = "0123456789abcdef".parse().unwrap();
    assert_eq!(format!("{token:?}"), "AdminToken(..)");
    assert_eq!(token.bearer(), "Bearer 0123456789abcdef");
}
