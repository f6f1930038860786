//! Protection of loopback listeners against foreign web pages.
//!
//! A web page of another site can send requests to a server on the same machine. With DNS rebinding the browser even treats the
//! server as the origin of the page, but `Host` then has the name of the page. Cross-origin requests have the `Origin` of the page.

use super::{error::AuthError, origin::Origin, request::ClientRequest};

/// Every host name.
const ANY: &str = "*";

/// The hosts and origins that a loopback listener accepts.
#[derive(Debug, Clone, Default)]
pub struct AllowedSites {
    /// Host names in addition to `localhost` and loopback addresses, without ports.
    hosts: Vec<String>,
    /// Origins of web pages in addition to those of the server itself.
    origins: Vec<Origin>,
}

impl AllowedSites {
    /// Creates the lists. The host `*` stands for every name.
    pub fn new(hosts: Vec<String>, origins: Vec<Origin>) -> Self {
        Self { hosts, origins }
    }

    /// Checks that neither the host nor the origin of a request is foreign.
    ///
    /// # Errors
    /// Returns [`AuthError::ForeignHost`] or [`AuthError::ForeignOrigin`].
    pub(super) fn check(&self, request: &ClientRequest<'_>) -> Result<(), AuthError> {
        let host = request.host.filter(|host| self.allows_host(host));
        let host = host.ok_or(AuthError::ForeignHost)?;
        let is_allowed = |origin: &str| {
            is_own(origin, host) || self.origins.iter().any(|other| other.as_str() == origin)
        };
        let is_own_page = match request.origin {
            Some(origin) => is_allowed(origin),
            // Browsers do not send the origin of images, frames and links.
            None => !request.is_cross_site,
        };
        if is_own_page {
            Ok(())
        } else {
            Err(AuthError::ForeignOrigin)
        }
    }

    /// Returns whether a host, with or without port, is a loopback name, a loopback address or in the list.
    pub(super) fn allows_host(&self, host: &str) -> bool {
        let name = without_port(host);
        let is_listed = |allowed: &String| allowed == ANY || allowed.eq_ignore_ascii_case(name);
        is_local(name) || self.hosts.iter().any(is_listed)
    }
}

/// Returns whether a host, with or without port, is a loopback name or address.
pub(super) fn is_local_host(host: &str) -> bool {
    is_local(without_port(host))
}

/// Returns whether an origin is that of a server with this host and port.
pub(super) fn is_own(origin: &str, host: &str) -> bool {
    origin
        .split_once("://")
        .is_some_and(|(_, origin)| origin == host)
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Returns whether a name is `localhost` or a loopback address.
fn is_local(name: &str) -> bool {
    let address = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sites(hosts: &[&str], origins: &[&str]) -> AllowedSites {
        AllowedSites::new(
            hosts.iter().map(|&host| host.to_owned()).collect(),
            origins
                .iter()
                .map(|origin| origin.parse().unwrap())
                .collect(),
        )
    }

    fn check(sites: &AllowedSites, host: &str, origin: Option<&str>) -> Result<(), AuthError> {
        sites.check(&ClientRequest {
            host: Some(host),
            origin,
            ..ClientRequest::default()
        })
    }

    #[test]
    fn only_loopback_and_listed_hosts_are_allowed() {
        let listed = sites(&["mien.example"], &[]);
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:80", "[::1]:80"] {
            assert_eq!(
                check(&AllowedSites::default(), host, None),
                Ok(()),
                "{host}"
            );
        }
        for host in ["mien.example", "Mien.Example:8080"] {
            assert_eq!(check(&listed, host, None), Ok(()), "{host}");
            let foreign = check(&AllowedSites::default(), host, None);
            assert_eq!(foreign, Err(AuthError::ForeignHost), "{host}");
        }
        for host in [
            "",
            "localhost.evil.example",
            "evil.mien.example",
            "192.0.2.1",
        ] {
            assert_eq!(check(&listed, host, None), Err(AuthError::ForeignHost));
            assert_eq!(check(&sites(&["*"], &[]), host, None), Ok(()), "{host}");
        }
        let missing = listed.check(&ClientRequest::default());
        assert_eq!(missing, Err(AuthError::ForeignHost));
    }

    #[test]
    fn only_own_and_listed_origins_are_allowed() {
        let sites = sites(&[], &["https://app.example"]);
        for origin in ["http://localhost:8080", "https://app.example"] {
            assert_eq!(check(&sites, "localhost:8080", Some(origin)), Ok(()));
        }
        for origin in [
            "null",
            "",
            "http://localhost:3000",
            "http://app.example",
            "https://app.example:8443",
            "https://app.example.evil.example",
        ] {
            let result = check(&sites, "localhost:8080", Some(origin));
            assert_eq!(result, Err(AuthError::ForeignOrigin), "{origin}");
        }
    }
}
