use futures_util::FutureExt;

use super::*;

fn no_change(_: &mut LifecycleThread) -> Result<(), LifecycleError> {
    Ok(())
}

fn assert_shutting_down(result: Result<(), LifecycleError>) {
    assert!(matches!(result, Err(LifecycleError::ShuttingDown)));
}

#[tokio::test]
async fn full_queue_rejects_changes_and_delays_promotion_steps() {
    let (lifecycle, commands) = Lifecycle::without_thread();
    let mut queued: Vec<_> = (0..MAX_QUEUED)
        .map(|_| Box::pin(lifecycle.try_execute(no_change)))
        .collect();
    for command in &mut queued {
        assert!(command.as_mut().now_or_never().is_none());
    }
    let rejected = lifecycle.try_execute(no_change).await;
    assert!(matches!(rejected, Err(LifecycleError::Busy)));

    let mut step = Box::pin(lifecycle.execute(no_change));
    assert!(step.as_mut().now_or_never().is_none());
    // The thread takes all commands that are queued, so the step is queued.
    assert_eq!(commands.try_iter().count(), MAX_QUEUED);
    assert!(step.as_mut().now_or_never().is_none());
    assert_eq!(commands.try_iter().count(), 1);
}

#[tokio::test]
async fn command_that_does_not_begin_in_time_is_rejected() {
    let (mut lifecycle, _commands) = Lifecycle::without_thread();
    lifecycle.max_wait = Duration::ZERO;
    let waiting = lifecycle.try_execute(no_change).await;
    assert!(matches!(waiting, Err(LifecycleError::Busy)));
}

#[tokio::test]
async fn shutdown_rejects_commands() {
    let (lifecycle, _commands) = Lifecycle::without_thread();
    lifecycle.shut_down();
    assert_shutting_down(lifecycle.try_execute(no_change).await);
    assert_shutting_down(lifecycle.execute(no_change).await);
}

#[tokio::test]
async fn ended_thread_rejects_commands() {
    let (lifecycle, commands) = Lifecycle::without_thread();
    drop(commands);
    assert_shutting_down(lifecycle.try_execute(no_change).await);
    assert_shutting_down(lifecycle.execute(no_change).await);
}
