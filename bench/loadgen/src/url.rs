//! The URL of a server and the address that it resolves to.

use std::{
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    time::Duration,
};

/// Connect timeout of each address of a host.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a text is not the URL of a server.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    /// The scheme is missing or not http.
    #[error("`{0}`: the URL must start with http://")]
    Scheme(String),
    /// The host is unknown or the port is missing.
    #[error("`{0}` is not a reachable HOST:PORT")]
    Host(String),
}

/// Returns the address and the path of a URL; the default path is `/`.
///
/// # Errors
/// Returns an error if the scheme is not http or the host cannot be resolved.
pub fn resolve_url(url: &str) -> Result<(SocketAddr, &str), UrlError> {
    let rest = url
        .strip_prefix("http://")
        .ok_or_else(|| UrlError::Scheme(url.to_owned()))?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let addresses = host
        .to_socket_addrs()
        .map(Vec::from_iter)
        .unwrap_or_default();
    let addr = first_reachable(&addresses).ok_or_else(|| UrlError::Host(host.to_owned()))?;
    Ok((addr, if path.is_empty() { "/" } else { path }))
}

/// Returns the first reachable address of a host, or the first address if none is reachable. `localhost` resolves to `::1` first,
/// but a server may listen on `127.0.0.1` only.
fn first_reachable(addresses: &[SocketAddr]) -> Option<SocketAddr> {
    let is_reachable =
        |addr: &&SocketAddr| TcpStream::connect_timeout(addr, CONNECT_TIMEOUT).is_ok();
    let several = addresses.len() > 1;
    let found = several
        .then(|| addresses.iter().find(is_reachable))
        .flatten();
    found.or(addresses.first()).copied()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn host_resolves_to_listening_address() {
        let [listening, closed] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [open, shut] = [&listening, &closed].map(|listener| listener.local_addr().unwrap());
        drop(closed);
        assert_eq!(first_reachable(&[shut, open]), Some(open));
        assert_eq!(first_reachable(&[shut, shut]), Some(shut));
        assert_eq!(first_reachable(&[]), None);
    }

    #[test]
    fn url_resolves_to_address_and_path() {
        let local = "127.0.0.1:8080".parse().unwrap();
        assert_eq!(resolve_url("http://127.0.0.1:8080").unwrap(), (local, "/"));
        assert_eq!(
            resolve_url("http://127.0.0.1:8080/a/b").unwrap(),
            (local, "/a/b")
        );
        for wrong in [
            "127.0.0.1:8080",
            "https://127.0.0.1:8080",
            "http://127.0.0.1",
            "http://",
        ] {
            assert!(resolve_url(wrong).is_err(), "{wrong}");
        }
    }
}
