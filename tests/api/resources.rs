//! What the program takes of the system: open files, and memory that comes back.

use std::{net::TcpStream, process::Command, time::Duration};

use actix_web::rt;
use reqwest::Client;

use crate::{
    helpers::{connect, read_health_response, send_health_request},
    program::{Server, mien},
};

/// A connection that has sent a request.
fn asking(server: &Server) -> TcpStream {
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

    // 300 less 256 for other things is room for 44, half of them for HTTP, as many for each of its threads: more wait until
    // one closes.
    let threads = std::thread::available_parallelism().unwrap().get().min(22);
    let most = 22 / threads * threads;
    let mut held: Vec<TcpStream> = (0..most).map(|_| asking(&server)).collect();
    held.iter_mut().for_each(read_health_response);
    let waiting: Vec<TcpStream> = (0..60).map(|_| asking(&server)).collect();
    for mut stream in waiting {
        held.pop();
        read_health_response(&mut stream);
        held.insert(0, stream);
    }
}

/// What the two sessions of `resnet-155-v2` take at least, in bytes: its weights alone are 19 MB.
#[cfg(target_os = "linux")]
const LEAST: u64 = 8 << 20;

/// Resident memory, in bytes.
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
async fn memory_comes_back_after_an_unload() {
    let models = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let flags = [
        &format!("--models={}", models.display()),
        "--default-model=resnet-20-v1",
        "--version-policy=resnet-20-v1=1",
        "--instances=2",
    ];
    let server = Server::spawn(mien(), &flags, "cpu");
    let client = Client::new();
    let order = async |model: &str, order: &str| {
        let url = server.url(&format!("/v1/models/{model}/{order}"));
        assert_eq!(client.post(url).send().await.unwrap().status(), 200);
    };
    let model = "resnet-155-v2";
    let cycle = async || {
        order(model, "load").await;
        let loaded = resident(&server);
        order(model, "unload").await;
        // Its sessions are closed once the last request has let go of them; all of its memory, or none that is to be found.
        let mut left = resident(&server);
        for _ in 0..500 {
            if loaded.saturating_sub(left) > LEAST {
                break;
            }
            rt::time::sleep(Duration::from_millis(20)).await;
            left = left.min(resident(&server));
        }
        (loaded, left)
    };
    let (first, left) = cycle().await;
    let mut last = left;
    for _ in 0..3 {
        last = cycle().await.1;
    }
    // What a version takes; a leak would be three times that.
    let version = first.saturating_sub(left);
    assert!(version > LEAST, "loaded {first}, unloaded {left}");
    let figures = format!("loaded {first}, unloaded {left}, after four times {last}");
    assert!(last < left + version, "{figures}");
}
