//! Entry points of the fuzz targets for signatures.

use super::{bundle::verified_payload, statement::signed_files};

/// Reads a bundle as if its signature were valid.
pub(crate) fn read_bundle(text: &str) {
    let _ = verified_payload(text, |_, _| true);
}

/// Reads a statement.
pub(crate) fn read_statement(statement: &[u8]) {
    let _ = signed_files(statement);
}
