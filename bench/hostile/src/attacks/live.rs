//! Clients of `/v1/live`, a WebSocket (RFC 6455), that do not read or that send too much.

use std::{fs, time::Duration};

use anyhow::{Context, ensure};
use tokio::time::{sleep, timeout};

use crate::{
    attack::{Attack, MAX_LATENCY, Target},
    raw::{self, Raw},
};

/// Number of connections, which is four more than [`LIMIT`] allows.
const CLIENTS: usize = 36;
/// Flag that limits the connections.
const LIMIT: &str = "--max-live-connections=32";
/// The detector that `cargo xtask setup` installs.
const DETECTOR: &str = "--detector=.runtime/yunet/face_detection_yunet_2023mar.onnx";
/// A photo with a face.
const PHOTO: &str = "tests/fixtures/photos/astronaut.jpg";
/// Time for which the clients send frames and read nothing.
const SENDING: Duration = Duration::from_secs(8);
/// Pause between two frames, which is less than the server takes to analyse the frames of all clients.
const PAUSE: Duration = Duration::from_millis(50);
/// Maximum time until another client gets its response while the server analyses frames on all cores.
const MAX_BUSY_LATENCY: Duration = Duration::from_secs(3);
/// Maximum time until the server responds to a handshake.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);
/// Maximum time until the server closes a connection.
const CLOSED_WITHIN: Duration = Duration::from_secs(10);
/// A binary message that ends with this frame.
const FINAL_BINARY: u8 = 0x82;
/// A frame that begins a binary message.
const FIRST_BINARY: u8 = 0x02;
/// A frame that continues a message.
const CONTINUATION: u8 = 0x00;
/// Payload of a frame of a message that does not end.
const PIECE: usize = 64 << 10;

pub(super) fn attacks() -> Vec<Attack> {
    vec![
        Attack {
            name: "unread-live",
            about: "20 frames per second whose results are not read, over 36 WebSockets",
            flags: &[DETECTOR, LIMIT],
            max_latency: MAX_BUSY_LATENCY,
            run: |target| Box::pin(unread(target)),
        },
        Attack {
            name: "huge-live-frame",
            about: "a frame of 1 TiB, over 32 WebSockets",
            flags: &[DETECTOR, LIMIT],
            max_latency: MAX_LATENCY,
            run: |target| Box::pin(huge(target)),
        },
        Attack {
            name: "endless-live-message",
            about: "a message of endless frames of 64 KiB, over 32 WebSockets",
            flags: &[DETECTOR, LIMIT],
            max_latency: MAX_BUSY_LATENCY,
            run: |target| Box::pin(endless(target)),
        },
    ]
}

/// Sends frames for a time without reading a result. Some clients are rejected.
async fn unread(target: Target) -> anyhow::Result<()> {
    let photo = fs::read(PHOTO).with_context(|| format!("cannot read {PHOTO}"))?;
    let message = frame(FINAL_BINARY, photo.len() as u64, &photo);
    let clients = (0..CLIENTS).map(|_| {
        let message = message.clone();
        async move {
            let Some(mut connection) = open(target).await? else {
                return Ok(false);
            };
            let frames = async {
                loop {
                    // The server stops reading from a client that does not read.
                    connection.send(&message).await;
                    sleep(PAUSE).await;
                }
            };
            let _: Result<(), _> = timeout(SENDING, frames).await;
            Ok(true)
        }
    });
    let accepted = raw::all(clients).await?;
    let rejected = accepted.iter().filter(|accepted| !**accepted).count();
    ensure!(
        rejected == 4,
        "{rejected} instead of 4 clients were rejected"
    );
    Ok(())
}

async fn huge(target: Target) -> anyhow::Result<()> {
    let clients = (0..CLIENTS - 4).map(|_| async move {
        let mut connection = open(target).await?.context("the handshake was rejected")?;
        connection.send(&frame(FINAL_BINARY, 1 << 40, &[])).await;
        connection.closed(CLOSED_WITHIN).await
    });
    raw::all(clients).await.map(drop)
}

async fn endless(target: Target) -> anyhow::Result<()> {
    let clients = (0..CLIENTS - 4).map(|_| async move {
        let mut connection = open(target).await?.context("the handshake was rejected")?;
        let piece = vec![0; PIECE];
        connection
            .send(&frame(FIRST_BINARY, piece.len() as u64, &piece))
            .await;
        let piece = frame(CONTINUATION, piece.len() as u64, &piece).repeat(16);
        connection.drip(&piece, CLOSED_WITHIN).await
    });
    raw::all(clients).await.map(drop)
}

/// Opens a WebSocket. Returns `None` if the server rejects it because of its limit.
async fn open(target: Target) -> anyhow::Result<Option<Raw>> {
    let handshake = "GET /v1/live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let mut connection = Raw::open(target.http, handshake.as_bytes()).await?;
    let response = connection.read(ANSWERED_WITHIN).await?;
    if response.starts_with("HTTP/1.1 503 ") {
        return Ok(None);
    }
    ensure!(
        response.starts_with("HTTP/1.1 101 "),
        "a handshake got {response}"
    );
    Ok(Some(connection))
}

/// Returns a frame of a client: the first byte, the length of the payload, a mask of zeros, and a payload, which may be incomplete.
fn frame(first: u8, length: u64, payload: &[u8]) -> Vec<u8> {
    const MASKED_64_BIT_LENGTH: u8 = 0x80 | 127;
    const MASK: [u8; 4] = [0; 4];
    let mut frame = vec![first, MASKED_64_BIT_LENGTH];
    frame.extend(length.to_be_bytes());
    frame.extend(MASK);
    frame.extend(payload);
    frame
}
