//! The frame of a page: one file that needs no other, under a policy that allows no more.

use std::sync::LazyLock;

use base64::{Engine, prelude::BASE64_STANDARD};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

/// Colours, type and print. Written into the page as it is: the policy knows it by its hash.
const STYLE: &str = concat!(
    include_str!("../../../web/palette.css"),
    include_str!("page.css")
);

/// The `Content-Security-Policy` of a page: nothing is loaded, nothing runs; the one style sheet, by its hash, and pictures that
/// are in the page itself.
pub static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
});

/// A whole page.
pub(super) fn page(title: &str, head: &Markup, content: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(*POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(concat!("mien ", env!("CARGO_PKG_VERSION")));
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { (head) }
                main { (content) }
                footer { "Made by mien " (env!("CARGO_PKG_VERSION")) }
            }
        }
    };
    page.into_string()
}
