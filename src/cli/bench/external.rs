//! `mien bench --url`: the load on a running server.

use std::{
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Args;
use mien_loadgen::{
    connection::request,
    load::{LoadResult, Target, closed_loop},
    process::Process,
    url::resolve_url,
    window::Timing,
};

use crate::bench::suite::{self, CONNECTIONS};

/// Flags for measuring a running server.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Another server")]
pub(super) struct ExternalArgs {
    /// Send POST requests to this URL only, instead of starting a server.
    #[arg(long, value_name = "http://HOST:PORT/PATH")]
    pub(super) url: Option<String>,

    /// Number of connections. Repeatable. By default 1, 8 and 32.
    #[arg(long, value_name = "COUNT", requires = "url")]
    connections: Vec<NonZeroUsize>,

    /// Process ID of the server. With it, the CPU time of this process and its children is measured.
    #[arg(long, value_name = "PID", requires = "url")]
    pid: Option<u32>,

    /// File to send as the body. Repeatable. By default the files of --faces.
    #[arg(long, value_name = "FILE", requires = "url")]
    body: Vec<PathBuf>,

    /// Header to send. Repeatable. By default the content type of a PNG.
    #[arg(long, value_name = "NAME: VALUE", requires = "url", value_parser = header)]
    header: Vec<(String, String)>,

    /// Text that the body of every response must contain.
    #[arg(long, value_name = "TEXT", default_value = "\"label\"")]
    expect: String,
}

impl ExternalArgs {
    /// Sends requests to `url` over each number of connections. The default bodies are the PNG files of the directory `faces`.
    ///
    /// # Errors
    /// Returns an error if the images or the URL cannot be used.
    pub(super) async fn measure(
        &self,
        url: &str,
        faces: &Path,
        timing: Timing,
    ) -> anyhow::Result<Vec<LoadResult>> {
        let (addr, path) = resolve_url(url)?;
        let bodies = match self.body.as_slice() {
            [] => suite::read_faces(faces)?,
            files => files
                .iter()
                .map(|file| read(file))
                .collect::<Result<_, _>>()?,
        };
        let png = [("content-type".to_owned(), "image/png".to_owned())];
        let headers = if self.header.is_empty() {
            &png[..]
        } else {
            &self.header
        };
        let post = |body: &Vec<u8>| request("POST", addr, path, headers, body);
        let target = Target {
            addr,
            requests: bodies.iter().map(post).collect(),
            expect: self.expect.clone(),
            process: self.pid.map(Process),
        };
        let given = self.connections.iter().map(|count| count.get());
        let mut connections: Vec<_> = given.collect();
        if connections.is_empty() {
            connections.extend(CONNECTIONS);
        }
        let mut results = Vec::new();
        for connections in connections {
            results.push(closed_loop(&target, connections, timing).await?);
        }
        Ok(results)
    }
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("expected NAME: VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}
