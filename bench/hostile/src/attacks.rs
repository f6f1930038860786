//! The attacks. Each file has one function per attack and the list of its attacks.

use crate::attack::Attack;

mod images;
mod protocols;

/// Returns all attacks.
pub(crate) fn all() -> Vec<Attack> {
    [images::attacks(), protocols::attacks()]
        .into_iter()
        .flatten()
        .collect()
}
