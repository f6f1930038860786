//! Open files and memory of the process.

use std::{net::TcpStream, process::Command, time::Duration};

use actix_web::rt;

use crate::{
    helpers::{connect, http_client, read_health_response, send_health_request},
    program::{Server, mien},
};

/// Connects and sends a request.
fn connect_and_send(server: &Server) -> TcpStream {
    let mut stream = connect(&server.url(""));
    send_health_request(&mut stream);
    stream
}

#[test]
fn connections_wait_at_open_file_limit() {
    let program = mien();
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "ulimit -n 300 && exec \"$0\" \"$@\""])
        .arg(program.get_program());
    let set = program
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    limited
        .envs(set)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let server = Server::spawn(limited, &["--grpc-addr=127.0.0.1:0"], "cpu");
    let warning = "the limit of open files allows fewer connections than --max-connections";
    let warned = |event: &&serde_json::Value| {
        event["message"]
            .as_str()
            .is_some_and(|message| message.starts_with(warning))
    };
    assert_eq!(
        server.start.iter().filter(warned).count(),
        1,
        "{:?}",
        server.start
    );

    // 256 of 300 files are reserved for other uses. HTTP gets half of the remaining 44, divided equally between its threads.
    let threads = std::thread::available_parallelism().unwrap().get().min(22);
    let max = 22 / threads * threads;
    let mut open: Vec<TcpStream> = (0..max).map(|_| connect_and_send(&server)).collect();
    open.iter_mut().for_each(read_health_response);
    let waiting: Vec<TcpStream> = (0..60).map(|_| connect_and_send(&server)).collect();
    for mut stream in waiting {
        open.pop();
        read_health_response(&mut stream);
        open.insert(0, stream);
    }
}

/// Weights of one session of `resnet-155-v2` in bytes.
#[cfg(target_os = "linux")]
const SESSION_WEIGHTS: u64 = 19 << 20;

/// Measured loads and unloads.
#[cfg(target_os = "linux")]
const RELOADS: u64 = 8;

/// Returns the resident memory of a server in bytes.
#[cfg(target_os = "linux")]
fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim()
        .strip_suffix(" kB")
        .unwrap()
        .parse::<u64>()
        .unwrap()
        << 10
}

#[actix_web::test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
async fn unloading_model_releases_memory() {
    let models = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let flags = [
        &format!("--models={}", models.display()),
        "--default-model=resnet-20-v1",
        "--version-policy=resnet-20-v1=1",
        "--instances=2",
    ];
    let server = Server::spawn(mien(), &flags, "cpu");
    let client = http_client();
    let request = async |action: &str| {
        let url = server.url(&format!("/v1/models/resnet-155-v2/{action}"));
        assert_eq!(client.post(url).send().await.unwrap().status(), 200);
    };
    let reload = async || {
        request("load").await;
        request("unload").await;
    };
    // The first loads also fill caches and memory pools, which the server keeps.
    for _ in 0..2 {
        reload().await;
    }
    // The sessions are closed after the response, so the lowest value counts.
    let mut before = resident(&server);
    for _ in 0..50 {
        rt::time::sleep(Duration::from_millis(20)).await;
        before = before.min(resident(&server));
    }
    for _ in 0..RELOADS {
        reload().await;
    }
    // One of the two sessions that stays open after each unload adds twice this memory.
    let limit = before + RELOADS * SESSION_WEIGHTS / 2;
    let mut after = resident(&server);
    for _ in 0..500 {
        if after < limit {
            break;
        }
        rt::time::sleep(Duration::from_millis(20)).await;
        after = resident(&server);
    }
    assert!(
        after < limit,
        "{before} bytes before {RELOADS} reloads, {after} after"
    );
}
