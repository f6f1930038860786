//! The attacks. Each file has one function per attack and the list of its attacks.

use crate::attack::Attack;

mod buffers;
mod connections;
mod endless;
mod grpc_memory;
mod images;
mod json;
mod live;
mod log;
mod protocols;
mod shutdown;

/// Returns all attacks.
pub(crate) fn all() -> Vec<Attack> {
    let groups = [
        buffers::attacks(),
        connections::attacks(),
        endless::attacks(),
        grpc_memory::attacks(),
        images::attacks(),
        json::attacks(),
        live::attacks(),
        log::attacks(),
        protocols::attacks(),
        shutdown::attacks(),
    ];
    groups.into_iter().flatten().collect()
}
