//! Client of the API of a running server.

use std::{io, net::SocketAddr, time::Duration};

use anyhow::bail;
use serde_json::Value;

use crate::{
    auth::AdminToken,
    client::{Connection, address, request},
};

/// Maximum time to wait for a response.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Client of one server.
pub(super) struct Server {
    addr: SocketAddr,
    /// Prefix of each path.
    prefix: String,
    headers: Vec<(String, String)>,
    connection: Connection,
}

impl Server {
    pub(super) fn new(url: &str, token: Option<&AdminToken>) -> anyhow::Result<Self> {
        let (addr, path) = address(url)?;
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        headers.extend(token.map(|token| ("authorization".to_owned(), token.bearer())));
        let (prefix, connection) = (path.trim_end_matches('/').to_owned(), Connection::new(addr));
        Ok(Self {
            addr,
            prefix,
            headers,
            connection,
        })
    }

    /// Sends a request and parses the JSON response.
    pub(super) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let path = format!("{}{path}", self.prefix);
        let request = request(method, self.addr, &path, &self.headers, body.as_bytes());
        let asking = tokio::time::timeout(TIMEOUT, self.connection.ask(&request));
        let answer = match asking.await {
            Ok(answer) => answer,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        let answer = answer.map_err(|error| {
            anyhow::Error::new(error)
                .context(format!("no response from the server at {}", self.addr))
        })?;
        let document: Value = serde_json::from_slice(answer.body).unwrap_or_default();
        if !(200..300).contains(&answer.status) {
            let detail = document["detail"].as_str().unwrap_or("no reason given");
            bail!("the server returned {}: {detail}", answer.status);
        }
        Ok(document)
    }
}
