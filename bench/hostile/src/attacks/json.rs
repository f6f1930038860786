//! JSON bodies within `--max-body` that would take more memory than their size if they were built as they are.

use std::io::Write;

use anyhow::ensure;
use flate2::{Compression, write::GzEncoder};
use mien_loadgen::connection::{Connection, request};

use crate::{
    attack::{Attack, Running, Target},
    raw,
};

/// Size of a body in bytes.
const SIZE: usize = 10 << 20;
/// Number of clients that send the body at the same time.
const CLIENTS: usize = 8;
/// Number of bodies per client.
const ROUNDS: usize = 4;
/// Maximum time until another client gets its response, while all cores parse JSON.
const LATENCY: std::time::Duration = std::time::Duration::from_secs(2);

/// Path of the inference of a fixture model.
const INFER: &str = "/v2/models/small/infer";
const CLASSIFY: &str = "/v1/classify";

pub(super) fn attacks() -> Vec<Attack> {
    let attack = |name, about, run| Attack {
        name,
        about,
        flags: &[],
        max_latency: LATENCY,
        run,
    };
    vec![
        attack(
            "json-parameters",
            "10 MiB of parameters that the server ignores",
            |target| send(target, INFER, parameters(), false),
        ),
        attack(
            "json-gzip-parameters",
            "the same, compressed to 2 MB",
            |target| send(target, INFER, parameters(), true),
        ),
        attack(
            "json-numbers",
            "a tensor of five million numbers",
            |target| send(target, INFER, list(r#"{"inputs":[{"data":["#, "1,"), false),
        ),
        attack("json-outputs", "a million requested outputs", |target| {
            send(
                target,
                INFER,
                list(r#"{"outputs":["#, r#"{"name":""},"#),
                false,
            )
        }),
        attack("json-strings", "three million empty images", |target| {
            send(target, CLASSIFY, list(r#"{"images":["#, r#""","#), false)
        }),
        attack("json-escapes", "an image of escape sequences", |target| {
            send(target, CLASSIFY, list(r#"{"images":[""#, r"\n"), false)
        }),
        attack(
            "json-brackets",
            "ten million open brackets in an ignored field",
            |target| send(target, INFER, list(r#"{"x":"#, "["), false),
        ),
        attack(
            "json-wrong-string",
            "a string of 10 MiB instead of a list",
            |target| send(target, INFER, list(r#"{"inputs":""#, "a"), false),
        ),
    ]
}

/// Returns a body of [`SIZE`] bytes that begins with `start` and repeats `unit`. It need not be complete JSON.
fn list(start: &str, unit: &str) -> Vec<u8> {
    let mut body = start.as_bytes().to_vec();
    while body.len() + unit.len() <= SIZE - 16 {
        body.extend_from_slice(unit.as_bytes());
    }
    // Complete the cases that are read to their end.
    body.extend_from_slice(match unit {
        "a" | r"\n" => br#""}"#,
        _ => b"0]}",
    });
    body
}

/// Returns a request with as many different parameters as fit.
fn parameters() -> Vec<u8> {
    let mut body = br#"{"inputs":[],"parameters":{"x":1"#.to_vec();
    for number in 0_u32.. {
        let parameter = format!(r#","{number:x}":1"#);
        if body.len() + parameter.len() > SIZE - 16 {
            break;
        }
        body.extend_from_slice(parameter.as_bytes());
    }
    body.extend_from_slice(b"}}");
    body
}

fn send(target: Target, path: &'static str, body: Vec<u8>, is_compressed: bool) -> Running {
    Box::pin(async move {
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let mut body = body;
        if is_compressed {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&body)?;
            body = encoder.finish()?;
            headers.push(("content-encoding".to_owned(), "gzip".to_owned()));
        }
        let request = request("POST", target.http, path, &headers, &body);
        let clients = (0..CLIENTS).map(|_| send_rounds(target, request.clone()));
        raw::all(clients).await.map(drop)
    })
}

/// Sends a request several times and checks that the server rejects each.
async fn send_rounds(target: Target, request: Vec<u8>) -> anyhow::Result<()> {
    let mut connection = Connection::new(target.http);
    for _ in 0..ROUNDS {
        // The server may close the connection before it has read the whole body.
        let Ok(response) = connection.send(&request).await else {
            continue;
        };
        let status = response.status;
        ensure!(
            (400..500).contains(&status) || status == 503,
            "the request got status {status}"
        );
    }
    Ok(())
}
