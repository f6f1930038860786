//! The attacks. Each file has one function per attack and the list of its attacks.

use crate::attack::Attack;

mod endless;
mod images;
mod log;
mod protocols;

/// Returns all attacks.
pub(crate) fn all() -> Vec<Attack> {
    let groups = [
        endless::attacks(),
        images::attacks(),
        log::attacks(),
        protocols::attacks(),
    ];
    groups.into_iter().flatten().collect()
}
