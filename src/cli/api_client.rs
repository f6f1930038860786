//! The API of a running server, for commands that give orders.

use std::{io, net::SocketAddr, time::Duration};

use anyhow::bail;
use serde_json::Value;

use crate::{
    auth::AdminToken,
    client::{Connection, address, request},
};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A server's API.
pub(super) struct Server {
    addr: SocketAddr,
    /// What goes before each path.
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
        Ok(Self { addr, prefix, headers, connection })
    }

    /// Sends a request and reads its JSON.
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
            anyhow::Error::new(error).context(format!("no answer from the server at {}", self.addr))
        })?;
        let document: Value = serde_json::from_slice(answer.body).unwrap_or_default();
        if !(200..300).contains(&answer.status) {
            let detail = document["detail"].as_str().unwrap_or("it does not say why");
            bail!("the server refused with {}: {detail}", answer.status);
        }
        Ok(document)
    }
}
