//! Commands that use a server with TLS.

use std::process::Command;

use actix_web::web;

use super::{ServerFiles, certificates::Authority};
use crate::helpers::fixture;

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
        let mut command = Command::new(env!("CARGO_BIN_EXE_mien"));
        command
            .args(["classify", "--model=small", "--format=csv"])
            .arg(format!("--server=https://localhost:{}", server.http))
            .arg(fixture("faces/happy.png"))
            .env("SSL_CERT_FILE", &authorities);
        let output = web::block(move || command.output().unwrap()).await.unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let rows = String::from_utf8(output.stdout).unwrap();
        assert_eq!(rows.contains("happy.png,"), code == 0, "{rows}");
    }
}
