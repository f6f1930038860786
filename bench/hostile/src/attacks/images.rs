//! Images that are small as files and large as pixels.

use std::io::Write;

use anyhow::ensure;
use flate2::{Compression, Crc, write::ZlibEncoder};
use mien_loadgen::connection::{Connection, request};

use crate::{
    attack::{Attack, MAX_LATENCY, Target},
    raw,
};

/// Number of clients that send the image at the same time.
const CLIENTS: usize = 16;

pub(super) fn attacks() -> Vec<Attack> {
    vec![Attack {
        name: "wide-png",
        about: "a PNG file of 24,000,000 x 1 pixels, from 16 clients",
        flags: &[],
        max_latency: MAX_LATENCY,
        run: |target| Box::pin(wide_png(target)),
    }]
}

async fn wide_png(target: Target) -> anyhow::Result<()> {
    let image = png(24_000_000, 1)?;
    let headers = [("content-type".to_owned(), "image/png".to_owned())];
    let upload = request("POST", target.http, "/v1/classify", &headers, &image);
    let clients = (0..CLIENTS).map(|_| {
        let upload = upload.clone();
        async move {
            let mut connection = Connection::new(target.http);
            Ok(connection.send(&upload).await?.status)
        }
    });
    for status in raw::all(clients).await? {
        ensure!(
            (400..500).contains(&status),
            "the image got status {status}"
        );
    }
    Ok(())
}

/// Returns a PNG file of black pixels with 8 bits per pixel.
fn png(width: u32, height: u32) -> anyhow::Result<Vec<u8>> {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([8, 0, 0, 0, 0]);
    let mut pixels = ZlibEncoder::new(Vec::new(), Compression::best());
    let row = vec![0; 1 + usize::try_from(width)?];
    for _ in 0..height {
        pixels.write_all(&row)?;
    }
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [
        (b"IHDR", header),
        (b"IDAT", pixels.finish()?),
        (b"IEND", Vec::new()),
    ] {
        let mut crc = Crc::new();
        crc.update(kind);
        crc.update(&data);
        file.extend(u32::try_from(data.len())?.to_be_bytes());
        file.extend(kind);
        file.extend(data);
        file.extend(crc.sum().to_be_bytes());
    }
    Ok(file)
}
