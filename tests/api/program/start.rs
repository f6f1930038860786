//! Start of the process: flags, environment, and errors with their remedies.

use std::path::Path;

use mien::{settings::Settings, startup::Application};
use serde_json::Value;

use super::{Server, failure, mien};
use crate::helpers::{TestApp, fixture, settings};

#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn malloc_settings_of_user_take_precedence() {
    let tunables = |server: &Server| {
        let variables =
            std::fs::read_to_string(format!("/proc/{}/environ", server.child.id())).unwrap();
        let value = variables
            .split('\0')
            .find_map(|v| v.strip_prefix("GLIBC_TUNABLES="));
        value.map(str::to_owned)
    };
    let server = Server::start(&[]);
    assert_eq!(
        tunables(&server).as_deref(),
        Some("glibc.malloc.trim_threshold=131072")
    );
    let mut command = mien();
    command.env("GLIBC_TUNABLES", "glibc.malloc.arena_max=3");
    let server = Server::spawn(command, &[], "cpu");
    assert_eq!(
        tunables(&server).as_deref(),
        Some("glibc.malloc.arena_max=3")
    );
}

#[test]
fn failed_start_prints_remedy() {
    let mut missing = mien();
    missing
        .args(["serve", "--addr=127.0.0.1:0"])
        .env("ORT_DYLIB_PATH", "/nowhere/libonnxruntime.so");
    let error = failure(&mut missing);
    assert!(
        error.contains("/nowhere") && error.contains("cargo xtask setup"),
        "{error}"
    );

    let mut invalid = mien();
    invalid
        .args(["serve", "--addr=127.0.0.1:0"])
        .env("ORT_DYLIB_PATH", fixture("README.md"));
    let error = failure(&mut invalid);
    assert!(error.contains("cargo xtask setup"), "{error}");

    let error = failure(mien().args(["serve", "--addr=127.0.0.1:0", "--max-queue-size=1"]));
    assert!(error.contains("--max-images"), "{error}");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let error = failure(mien().args(["serve", "--addr", &addr]));
    assert!(error.contains(&addr) && error.contains("--addr"), "{error}");
}

#[test]
fn invalid_address_is_rejected_with_expected_form() {
    for (command, flag) in [
        ("serve", "--addr"),
        ("serve", "--grpc-addr"),
        ("health", "--addr"),
    ] {
        let error = failure(mien().args([command, flag, "localhost"]));
        assert!(
            error.contains(flag) && error.contains("expected HOST:PORT"),
            "{error}"
        );
    }
}

#[actix_web::test]
async fn host_name_in_address_is_resolved() {
    let app = Application::build(&Settings {
        addr: "localhost:0".parse().unwrap(),
        ..settings(&[])
    });
    let app = TestApp::run(app.unwrap());
    assert_eq!(app.get("/health/live").await.status(), 200);
}

#[test]
fn cuda_without_gpu_library_is_an_error() {
    let library = std::env::var("ORT_DYLIB_PATH").expect(".cargo/config.toml sets it");
    let provider = Path::new(&library).with_file_name("libonnxruntime_providers_cuda.so");
    if provider.exists() {
        // Whether a GPU build starts depends on the machine.
        eprintln!("skipped: ONNX Runtime has the CUDA provider");
        return;
    }
    let mut command = mien();
    command.args(["serve", "--addr=127.0.0.1:0", "--device=cuda", "--models"]);
    let error = failure(command.arg(fixture("models")));
    assert!(
        error.contains("cargo xtask setup --gpu") && error.contains("--device cpu"),
        "{error}"
    );

    // `auto` uses the CPU without a warning.
    let flags = [
        "--cuda-memory-limit=2GiB",
        "--cuda-tf32",
        "--cuda-fp16-input",
    ];
    let mut server = Server::start_with(&flags, "auto");
    let is_warning = |event: &Value| event["level"] == "WARN";
    assert!(!server.start.iter().any(is_warning), "{:?}", server.start);
    let message = "selected the device automatically";
    let choice = server
        .start
        .iter()
        .find(|event| event["message"] == message);
    assert!(
        choice.unwrap()["reason"]
            .as_str()
            .unwrap()
            .contains("built without CUDA"),
        "{choice:?}"
    );
    assert!(server.log.take().is_some());
}

#[test]
fn help_describes_every_flag() {
    let output = mien().args(["serve", "--help"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for flag in [
        "--models",
        "--default-model",
        "--device",
        "--max-queue-delay",
        "--drain-delay",
        "--data",
    ] {
        assert!(text.contains(flag), "{flag}: {text}");
    }
    assert!(
        text.contains("MIEN_ADDR") && text.contains("[default: 127.0.0.1:8080]"),
        "{text}"
    );
}
