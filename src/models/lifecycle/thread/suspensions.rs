//! Tells the thread that a version is out of service.

use std::sync::{Arc, mpsc::Sender};

use super::Command;
use crate::models::lifecycle::versions::SuspensionHandler;

/// Returns the handler that tells the thread that a model is out of service. Workers call it.
pub(in crate::models::lifecycle) fn report_suspensions(
    commands: &Arc<Sender<Command>>,
) -> SuspensionHandler {
    let commands = Arc::downgrade(commands);
    Arc::new(move |model, reason| {
        if let Some(commands) = commands.upgrade() {
            // This fails if the thread has ended already.
            let _ = commands.send(Command::Suspend { model, reason });
        }
    })
}
