//! The end of the work of a server, after its last response.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use crate::app::AppState;

/// Time that workers get to end after their inference calls were terminated.
const TERMINATION_TIME: Duration = Duration::from_secs(2);

/// Cancels evaluations and promotions, and ends shadows.
pub(super) fn cancel_jobs(app: &AppState) {
    app.promotions.shut_down();
    app.shadows.shut_down();
    app.evaluations.shut_down();
}

/// Waits until evaluations, promotions, shadows and workers have ended, at most until the deadline.
pub(super) async fn end_work(app: &AppState, deadline: Instant) {
    // Waits until their results are saved, which takes as long as a write or the load of a candidate.
    cancel_jobs(app);
    let jobs = async {
        tokio::join!(
            app.promotions.ended(),
            app.evaluations.ended(),
            app.shadows.ended()
        )
    };
    if tokio::time::timeout_at(deadline.into(), jobs)
        .await
        .is_err()
    {
        tracing::warn!("evaluations, promotions or shadows did not end within --drain-timeout");
    }
    app.evaluations.store().report_removal();
    // In any case, the process must not exit while ONNX Runtime runs.
    let (registry, detector) = (Arc::clone(&app.registry), app.detector.clone());
    let mut ended = run_on_thread(move || {
        // The thread of the registry may be starting workers of the detector.
        registry.shut_down();
        if let Some(detector) = detector {
            detector.shut_down();
        }
    });
    if tokio::time::timeout_at(deadline.into(), &mut ended)
        .await
        .is_err()
    {
        tracing::warn!("inferences did not end within --drain-timeout; they are terminated");
        app.registry.terminate_inferences();
        if tokio::time::timeout(TERMINATION_TIME, ended).await.is_err() {
            tracing::warn!("workers did not end after their inferences were terminated");
        }
    }
}

/// Waits until the collector has the last spans, at most two seconds.
pub(super) async fn export_last_spans(app: &AppState) {
    if let Some(traces) = app.traces.clone() {
        // The connection to the collector may need the thread of this future.
        let _ = run_on_thread(move || traces.shut_down()).await;
    }
}

/// Runs `work` on a thread of its own. The receiver is notified when it ends.
fn run_on_thread(work: impl FnOnce() + Send + 'static) -> oneshot::Receiver<()> {
    let (done, ended) = oneshot::channel();
    // A blocking task of the runtime would delay the end of the program.
    std::thread::spawn(move || {
        work();
        let _ = done.send(());
    });
    ended
}
