//! Pages of other sites, which send requests to the server.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use anyhow::{Context, Result};

/// Host name of a foreign site. The browser resolves it to this machine, as after DNS rebinding.
pub const FOREIGN_HOST: &str = "evil.example";

const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 15\r\nconnection: close\r\n\r\n<!doctype html>";

/// Starts an HTTP server that responds to every request with an empty page, and returns its port. It runs until the process ends.
///
/// # Errors
/// Returns an error if no port is free.
pub(crate) fn serve() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("cannot serve the foreign page")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for connection in listener.incoming() {
            // The browser opens connections that it does not use.
            thread::spawn(move || -> std::io::Result<()> {
                let mut connection = connection?;
                let mut head = [0; 8192];
                if connection.read(&mut head)? > 0 {
                    connection.write_all(RESPONSE)?;
                }
                Ok(())
            });
        }
    });
    Ok(port)
}
