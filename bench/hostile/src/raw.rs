//! Connections that send bytes of any kind.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep, timeout, timeout_at},
};

/// Pause between two pieces of a slow client.
const PAUSE: Duration = Duration::from_millis(200);

/// A connection without a protocol.
pub(crate) struct Raw(TcpStream);

impl Raw {
    /// Connects and sends the first bytes.
    ///
    /// # Errors
    /// Returns an error if the server refuses the connection or the bytes.
    pub(crate) async fn open(server: SocketAddr, bytes: &[u8]) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(server).await?;
        stream.write_all(bytes).await?;
        Ok(Self(stream))
    }

    /// Sends bytes. A server that has closed the connection is not an error.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes).await;
    }

    /// Reads the beginning of a response.
    ///
    /// # Errors
    /// Returns an error if the server sends none in time.
    pub(crate) async fn read(&mut self, within: Duration) -> anyhow::Result<String> {
        let mut response = [0; 4096];
        let read = timeout(within, self.0.read(&mut response)).await;
        let length = read.with_context(|| format!("no response within {within:?}"))??;
        Ok(String::from_utf8_lossy(&response[..length]).into_owned())
    }

    /// Waits until the server closes the connection and returns its responses.
    ///
    /// # Errors
    /// Returns an error if the server does not close it in time.
    pub(crate) async fn closed(mut self, within: Duration) -> anyhow::Result<String> {
        let mut response = Vec::new();
        // A reset closes the connection as well.
        let _ = timeout(within, self.0.read_to_end(&mut response))
            .await
            .with_context(|| format!("a connection was not closed within {within:?}"))?;
        Ok(String::from_utf8_lossy(&response).into_owned())
    }

    /// Sends `piece` again and again until the server closes the connection, and returns its responses.
    ///
    /// # Errors
    /// Returns an error if the server does not close it in time.
    pub(crate) async fn drip(mut self, piece: &[u8], within: Duration) -> anyhow::Result<String> {
        let (end, mut response) = (Instant::now() + within, String::new());
        let mut buffer = [0; 4096];
        while Instant::now() < end {
            self.send(piece).await;
            match timeout_at(Instant::now() + PAUSE, self.0.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) => return Ok(response),
                Ok(Ok(length)) => {
                    response.push_str(&String::from_utf8_lossy(&buffer[..length]));
                    sleep(PAUSE).await;
                }
                Err(_) => {}
            }
        }
        bail!("a connection that drips was not closed within {within:?} after {response:?}")
    }
}

/// Runs `clients` at the same time and returns the first error.
///
/// # Errors
/// Returns the error of a client.
pub(crate) async fn all<T: Send + 'static>(
    clients: impl IntoIterator<Item = impl Future<Output = anyhow::Result<T>> + Send + 'static>,
) -> anyhow::Result<Vec<T>> {
    let mut running: JoinSet<_> = clients.into_iter().collect();
    let mut results = Vec::new();
    while let Some(result) = running.join_next().await {
        results.push(result??);
    }
    Ok(results)
}
