//! Runs one attack against a server of its own and compares the measurements with the bounds.

use std::{path::Path, time::Duration};

use crate::{
    attack::{Attack, MAX_GROWTH, MAX_RETAINED, RELEASE_TIME},
    probe::Probe,
    server::Server,
};

/// The measurements of an attack, and the bounds that the server broke.
pub(crate) struct Outcome {
    /// Growth of the resident memory during the attack in bytes.
    pub(crate) growth: u64,
    /// Growth of the resident memory [`RELEASE_TIME`] after the attack in bytes.
    pub(crate) retained: u64,
    /// Longest time until another client got its response.
    pub(crate) max_latency: Duration,
    /// One sentence per bound that the server broke.
    pub(crate) violations: Vec<String>,
}

/// Runs an attack.
///
/// # Errors
/// Returns an error if the server cannot be started or has ended.
pub(crate) async fn run(mien: &Path, attack: &Attack) -> anyhow::Result<Outcome> {
    let server = Server::start(mien, attack.flags).await?;
    let target = server.target();
    let before = target.process.usage()?.resident;
    let probe = Probe::start(target);
    let attacked = (attack.run)(target).await;
    let (peak, responses) = probe.stop().await?;
    tokio::time::sleep(RELEASE_TIME).await;
    let after = target.process.usage()?.resident;

    let growth = peak.saturating_sub(before);
    let retained = after.saturating_sub(before);
    let mut violations = Vec::new();
    if let Err(error) = attacked {
        violations.push(format!("{error:#}"));
    }
    if growth > MAX_GROWTH {
        violations.push(format!("memory grew by more than {} MiB", MAX_GROWTH >> 20));
    }
    if retained > MAX_RETAINED {
        violations.push(format!(
            "more than {} MiB were not released within {} s",
            MAX_RETAINED >> 20,
            RELEASE_TIME.as_secs()
        ));
    }
    if responses.max_latency > attack.max_latency {
        violations.push(format!(
            "another client waited longer than {:?}",
            attack.max_latency
        ));
    }
    if responses.failed > 0 {
        violations.push(format!(
            "{} requests of another client failed",
            responses.failed
        ));
    }
    Ok(Outcome {
        growth,
        retained,
        max_latency: responses.max_latency,
        violations,
    })
}
