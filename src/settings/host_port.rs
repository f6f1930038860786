//! Addresses of flags: host name or IP address, and port.

use std::{
    fmt, io,
    net::{SocketAddr, ToSocketAddrs},
    str::FromStr,
};

/// A host name or IP address, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// The name or the address. An IPv6 address has brackets.
    host: String,
    port: u16,
}

impl HostPort {
    /// Returns the addresses of the host, IPv4 addresses first. Clients that use `127.0.0.1` then reach a server on `localhost`.
    ///
    /// # Errors
    /// Returns an error if the host name cannot be resolved.
    pub fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        let mut addresses: Vec<SocketAddr> = self.to_string().to_socket_addrs()?.collect();
        addresses.sort_by_key(SocketAddr::is_ipv6);
        addresses.dedup();
        if addresses.is_empty() {
            return Err(io::Error::other("the host name has no address"));
        }
        Ok(addresses)
    }
}

impl From<SocketAddr> for HostPort {
    fn from(address: SocketAddr) -> Self {
        let host = match address {
            SocketAddr::V4(address) => address.ip().to_string(),
            SocketAddr::V6(address) => match address.scope_id() {
                0 => format!("[{}]", address.ip()),
                scope => format!("[{}%{scope}]", address.ip()),
            },
        };
        Self {
            host,
            port: address.port(),
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl FromStr for HostPort {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(address.into());
        }
        let invalid =
            "expected HOST:PORT, for example 127.0.0.1:8080, [::1]:8080 or localhost:8080";
        let (host, port) = text.rsplit_once(':').ok_or(invalid)?;
        let is_label = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        // An address such as 127.0.0.256 must not be looked up as a name.
        let is_number = |c: char| c.is_ascii_digit() || c == '.';
        if host.is_empty() || !host.chars().all(is_label) || host.chars().all(is_number) {
            return Err(invalid);
        }
        Ok(Self {
            host: host.to_owned(),
            port: port.parse().map_err(|_| invalid)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_and_addresses_are_parsed() {
        for text in [
            "127.0.0.1:8080",
            "[::1]:0",
            "[fe80::1%2]:80",
            "localhost:8080",
            "mien-1.example.org:65535",
        ] {
            assert_eq!(text.parse::<HostPort>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_text_is_rejected_with_expected_form() {
        for text in [
            "",
            "8080",
            ":8080",
            "localhost",
            "localhost:",
            "localhost:65536",
            "localhost:http",
            "http://localhost:8080",
            "local host:8080",
            "127.0.0.256:8080",
            "::1:8080:",
        ] {
            let error = text.parse::<HostPort>().unwrap_err();
            assert!(error.contains("HOST:PORT"), "{text}");
        }
    }

    #[test]
    fn localhost_resolves_to_ipv4_first() {
        let addresses = "localhost:80".parse::<HostPort>().unwrap().resolve();
        let addresses = addresses.unwrap();
        assert!(
            addresses.is_sorted_by_key(SocketAddr::is_ipv6),
            "{addresses:?}"
        );
        assert!(addresses.iter().all(|address| address.ip().is_loopback()));
    }
}
