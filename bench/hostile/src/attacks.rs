//! The attacks. Each file has one function per attack and the list of its attacks.

use crate::attack::Attack;

mod connections;
mod endless;
mod heads;
mod images;
mod log;
mod protocols;
mod shutdown;

/// Returns all attacks.
pub(crate) fn all() -> Vec<Attack> {
    let groups = [
        connections::attacks(),
        endless::attacks(),
        heads::attacks(),
        images::attacks(),
        log::attacks(),
        protocols::attacks(),
        shutdown::attacks(),
    ];
    groups.into_iter().flatten().collect()
}
