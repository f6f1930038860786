//! `mien promote`.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Output, Stdio},
};

use actix_web::web;
use serde_json::Value;

use super::{faces, serve};
use crate::{evaluations::STUCK, helpers::TestApp, lifecycle::models_dir};

const TOKEN: &str = "a-token-of-this-test";

/// Returns the command that promotes version 2 of the model `m`, without URLs and a criterion.
pub(super) fn promotion() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mien"));
    command
        .args(["promote", "m", "2", "--dataset=faces"])
        .env_remove("MIEN_ADMIN_TOKEN");
    command
}

fn command(app: &TestApp, flags: &[&str]) -> Command {
    let mut command = promotion();
    command.args(["--url", &app.base]).args(flags);
    command
}

async fn promote(app: &TestApp, flags: &[&str], token: Option<&str>) -> Output {
    let mut command = command(app, flags);
    if let Some(token) = token {
        command.env("MIEN_ADMIN_TOKEN", token);
    }
    web::block(move || command.output().unwrap()).await.unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[actix_web::test]
async fn promote_command_waits_and_prints_outcome() {
    let (root, data) = (
        models_dir(&[("m", "1", "small"), ("m", "2", "tiny")]),
        faces(),
    );
    let app = serve(
        &root,
        &data,
        &["--version-policy=1", "--admin-token", TOKEN],
    );
    let rejected = promote(&app, &["--min-accuracy=0.7"], Some(TOKEN)).await;
    assert_eq!(rejected.status.code(), Some(4), "{rejected:?}");
    assert!(
        text(&rejected.stderr).contains("has started; Ctrl-C cancels it"),
        "{rejected:?}"
    );
    assert_eq!(
        text(&rejected.stdout),
        "m: version 2 is rejected; version 1 continues to serve and is pinned: 40.00 % of 10 images are correct: 30.00 points below the minimum of 70.00 %\n",
        "{rejected:?}"
    );
    assert_eq!(app.version("").await, "1");

    let promoted = promote(
        &app,
        &["--max-regression=1", "--limit=5", "--json"],
        Some(TOKEN),
    )
    .await;
    assert_eq!(promoted.status.code(), Some(0), "{promoted:?}");
    let document: Value = serde_json::from_slice(&promoted.stdout).unwrap();
    assert_eq!(document["result"]["candidate"]["total"], 5);
    let id = document["id"].as_str().unwrap();
    assert_eq!(
        app.json(&format!("/v1/models/m/promotions/{id}")).await,
        document
    );
    assert_eq!(app.version("").await, "2");

    let refused = promote(&app, &["--min-accuracy=0"], Some(TOKEN)).await;
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let error = text(&refused.stderr);
    assert!(
        error.contains("the server returned 409: version 2 of model `m` is already serving"),
        "{error}"
    );
    let refused = promote(&app, &["--min-accuracy=0"], None).await;
    assert_eq!(refused.status.code(), Some(6), "{refused:?}");
    assert!(
        text(&refused.stderr)
            .contains("the server returned 401: this request needs the admin token"),
        "{refused:?}"
    );
}

/// Sends SIGINT when the command has started the promotion. Returns the status and the text of standard output.
#[cfg(unix)]
fn interrupt(mut child: Child) -> (ExitStatus, String) {
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.contains("has started"), "{line}");
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    let mut stdout = String::new();
    let mut stream = child.stdout.take().unwrap();
    stream.read_to_string(&mut stdout).unwrap();
    (child.wait().unwrap(), stdout)
}

#[actix_web::test]
#[cfg(unix)]
async fn interrupted_promote_command_cancels_promotion() {
    let (root, data) = (
        models_dir(&[("m", "1", "tiny"), ("m", "2", "tiny")]),
        faces(),
    );
    let app = serve(&root, &data, &["--version-policy=1", STUCK[0], STUCK[1]]);
    let child = command(&app, &["--min-accuracy=0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (status, stdout) = web::block(move || interrupt(child)).await.unwrap();
    assert_eq!(status.code(), Some(7), "{stdout}");
    assert!(stdout.contains("cancelled by a client"), "{stdout}");
    let list = app.json("/v1/models/m/promotions").await;
    assert_eq!(list["promotions"][0]["status"], "cancelled", "{list}");
}

#[actix_web::test]
async fn promote_command_reports_errors() {
    let app = TestApp::spawn();
    for (flags, code, expected) in [
        (
            &[][..],
            2,
            "--min-accuracy <ACCURACY>|--max-regression <MARGIN>",
        ),
        (
            &["--min-accuracy=0", "--max-regression=0"],
            2,
            "cannot be used with",
        ),
        (
            &["--min-accuracy=0", "--baseline-version=1"],
            2,
            "cannot be used with",
        ),
        (&["--min-accuracy=0", "--split=dev"], 2, "dev"),
        (
            &["--min-accuracy=0"],
            1,
            "the server returned 404: there is no model `m`",
        ),
    ] {
        let output = promote(&app, flags, None).await;
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{error}");
        assert!(error.contains(expected), "{flags:?}: {error}");
    }
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mien"));
    command.args([
        "promote",
        "m",
        "2",
        "--dataset=faces",
        "--min-accuracy=0",
        "--url",
    ]);
    let output = command.arg(format!("http://{closed}")).output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    let error = text(&output.stderr);
    assert!(
        error.contains(&format!("no response from the server at http://{closed}")),
        "{error}"
    );
}
