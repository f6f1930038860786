//! Requests of `/analyze`.

use anyhow::Result;

use super::{Seeds, face};

/// JSON with a data URI, with options, and with a path instead of an image.
pub(super) fn json() -> Result<Seeds> {
    let bodies = [
        (
            "image",
            r#"{"img":"data:image/gif;base64,R0lGODlhAQABAAAAACw="}"#,
        ),
        (
            "options",
            r#"{"img_path":"data:image/gif;base64,R0lGODlh\nAQABAAAAACw=","actions":["emotion","age"],
            "enforce_detection":"False","detector_backend":"skip","anti_spoofing":null,"other":[1,{"nested":true}]}"#,
        ),
        ("path", r#"{"img":"/etc/passwd","actions":"emotion"}"#),
    ];
    Ok(bodies
        .map(|(name, body)| (name.to_owned(), body.as_bytes().to_vec()))
        .into())
}

/// Forms with a file, with a data URI and options, and with two images. The first byte is the size of the chunks that the form
/// arrives in.
pub(super) fn forms() -> Result<Seeds> {
    let image = face()?;
    let part = |head: &str, content: &[u8]| {
        let head = format!("--fuzz\r\nContent-Disposition: form-data; {head}\r\n\r\n");
        [head.as_bytes(), content, b"\r\n"].concat()
    };
    let form = |parts: &[Vec<u8>]| [b"\x40", &*parts.concat(), b"--fuzz--\r\n"].concat();
    let file = part(r#"name="img"; filename="face.png""#, &image);
    let uri = part(
        r#"name="img""#,
        b"data:image/gif;base64,R0lGODlhAQABAAAAACw=",
    );
    let actions = part(r#"name="actions""#, b"[\"emotion\", \"age\"]");
    let detection = part(r#"name="enforce_detection""#, b"False");
    Ok(vec![
        ("file".to_owned(), form(std::slice::from_ref(&file))),
        ("options".to_owned(), form(&[uri, actions, detection])),
        ("two".to_owned(), form(&[file.clone(), file])),
    ])
}
