//! Cancels loads of model files that exceed their time limit. ONNX Runtime checks for it between the steps of its optimisation.

use std::sync::{
    Arc, Mutex, Weak,
    atomic::{AtomicBool, Ordering},
};

use mien_host::sync::lock;
use ort::session::builder::LoadCanceler;

use super::{CallKind, TRIAL_FACTOR, Watchdog};

/// The loads that are running.
#[derive(Default)]
pub(super) struct Loads(Mutex<Vec<Weak<Load>>>);

/// A running load. Dropping it ends its time.
pub(in crate::inference) struct Load {
    canceler: LoadCanceler,
    /// The tick at which the load expires.
    expiry: u64,
    was_cancelled: AtomicBool,
}

impl Loads {
    /// Cancels the loads that expire at the tick `now` or before.
    pub(super) fn cancel_expired(&self, now: u64) {
        lock(&self.0).retain(|load| {
            let Some(load) = load.upgrade() else {
                return false;
            };
            if load.expiry <= now {
                load.cancel();
            }
            true
        });
    }
}

impl Load {
    fn cancel(&self) {
        if !self.was_cancelled.swap(true, Ordering::Relaxed)
            && let Err(error) = self.canceler.cancel()
        {
            tracing::error!(%error, "cannot cancel the load of a model");
        }
    }
}

impl Watchdog {
    /// Starts the time of a load, which has the same limit as a trial.
    pub(in crate::inference) fn watch_load(&self, canceler: LoadCanceler) -> Arc<Load> {
        let shared = &self.0;
        let ticks = shared.ticks_of(shared.limit(CallKind::Trial));
        let load = Arc::new(Load {
            canceler,
            expiry: shared.ticks.load(Ordering::Relaxed).saturating_add(ticks),
            was_cancelled: AtomicBool::new(false),
        });
        lock(&shared.loads.0).push(Arc::downgrade(&load));
        load
    }

    /// Returns why a load was cancelled, or `None` if it was not.
    pub(in crate::inference) fn cancellation(&self, load: &Load) -> Option<String> {
        if !load.was_cancelled.load(Ordering::Relaxed) {
            return None;
        }
        if self.is_stopping() {
            return Some("its load was cancelled because the server stops".to_owned());
        }
        let limit = humantime::format_duration(self.0.limit(CallKind::Trial));
        Some(format!(
            "it was not loaded within {limit} ({TRIAL_FACTOR} times --inference-timeout); simplify the model or raise the limit"
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::inference::runtime::{CudaOptions, DeviceChoice, Runtime};

    #[test]
    fn load_is_cancelled_only_after_its_limit() {
        let limit = Duration::from_secs(1000);
        let runtime = Runtime::load(DeviceChoice::Cpu, CudaOptions::default(), limit).unwrap();
        let builder = ort::session::Session::builder(runtime.environment()).unwrap();
        let watchdog = runtime.watchdog();
        let load = watchdog.watch_load(builder.canceler());
        watchdog.0.loads.cancel_expired(load.expiry - 1);
        assert_eq!(watchdog.cancellation(&load), None);
        watchdog.0.loads.cancel_expired(load.expiry);
        let reason = watchdog.cancellation(&load).unwrap();
        assert!(reason.contains("--inference-timeout"), "{reason}");
    }

    #[test]
    fn dropped_load_is_no_longer_watched() {
        let limit = Duration::from_secs(1000);
        let runtime = Runtime::load(DeviceChoice::Cpu, CudaOptions::default(), limit).unwrap();
        let builder = ort::session::Session::builder(runtime.environment()).unwrap();
        let loads = &runtime.watchdog().0.loads;
        drop(runtime.watchdog().watch_load(builder.canceler()));
        loads.cancel_expired(0);
        assert!(lock(&loads.0).is_empty());
    }
}
