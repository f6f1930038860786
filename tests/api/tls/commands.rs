//! Commands that use a server with TLS.

use std::{path::Path, process::Command};

use actix_web::web;

use super::{ServerFiles, certificates::Authority};
use crate::helpers::{TestApp, fixture};

/// Returns the command that classifies a face with a server. The system has the authorities of a file.
fn classify(server: &str, authorities: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mien"));
    command
        .args(["classify", "--model=small", "--format=csv"])
        .arg(format!("--server={server}"))
        .arg(fixture("faces/happy.png"))
        .env("SSL_CERT_FILE", authorities);
    command
}

#[actix_web::test]
async fn classify_verifies_certificate_of_server() {
    let authority = Authority::new();
    let files = ServerFiles::new(&authority.issue("localhost"));
    let server = files.serve(&[]);
    let authorities = files.path("authorities.pem");
    for (certificate, code) in [
        (&authority.certificate, 0),
        (&Authority::new().certificate, 1),
    ] {
        std::fs::write(&authorities, certificate).unwrap();
        let url = format!("https://localhost:{}", server.http);
        let mut command = classify(&url, &authorities);
        let output = web::block(move || command.output().unwrap()).await.unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let rows = String::from_utf8(output.stdout).unwrap();
        assert_eq!(rows.contains("happy.png,"), code == 0, "{rows}");
    }
}

#[actix_web::test]
async fn classify_over_http_does_not_need_authorities() {
    let app = TestApp::spawn();
    let mut command = classify(&app.base, Path::new("/dev/null"));
    let output = web::block(move || command.output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}
