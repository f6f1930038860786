//! Tests of the states and deadlines.

use actix_web::test::TestRequest;

use super::*;

const LIMITS: TimeLimits = TimeLimits {
    header_timeout: Duration::from_secs(10),
    keep_alive: Duration::from_secs(75),
};

pub(super) fn activity() -> Rc<Activity> {
    Rc::new(Activity::new(LIMITS, Arc::default()))
}

/// Starts a request without a body.
pub(super) fn start_request(activity: &Rc<Activity>) -> ActiveRequest {
    activity.start_request(&mut TestRequest::default().to_srv_request())
}

/// Returns an activity that becomes idle at `now`.
fn idle(now: Instant) -> Rc<Activity> {
    let activity = activity();
    activity.be_idle(now);
    activity
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn bytes_of_first_head_do_not_extend_its_deadline() {
    let activity = activity();
    let deadline = activity.deadline().unwrap();
    for before in [10, 6, 1] {
        assert!(activity.receive_at(deadline - seconds(before)));
        assert_eq!(activity.deadline(), Some(deadline));
    }
    assert!(!activity.receive_at(deadline));
    assert!(activity.is_expired(deadline));
}

#[test]
fn later_head_has_header_timeout() {
    let now = Instant::now();
    let activity = idle(now);
    assert_eq!(activity.deadline(), Some(now + seconds(75)));
    for second in 60..70 {
        assert!(activity.receive_at(now + seconds(second)));
        assert_eq!(activity.deadline(), Some(now + seconds(70)));
    }
    assert!(!activity.receive_at(now + seconds(70)));
    let request = start_request(&activity);
    assert_eq!(activity.deadline(), None);
    drop(request);
    assert!(activity.deadline() >= Some(now + seconds(75)));
}

#[test]
fn slow_reader_is_not_idle_unless_it_sends() {
    let now = Instant::now();
    let activity = idle(now - seconds(70));
    activity.send();
    assert!(activity.deadline() >= Some(now + seconds(75)));
    assert!(activity.receive_at(now));
    activity.send();
    assert_eq!(activity.deadline(), Some(now + seconds(10)));
}

#[test]
fn stopping_server_shortens_deadlines() {
    let now = Instant::now();
    let (new, receiving, processing) = (activity(), idle(now), activity());
    receiving.receive_at(now);
    let request = start_request(&processing);
    let idle = idle(now);
    for activity in [&new, &idle, &receiving, &processing] {
        activity.connections.close();
        activity.start_closing(now);
    }
    assert_eq!(new.deadline(), Some(now + seconds(1)));
    assert_eq!(idle.deadline(), Some(now));
    assert_eq!(receiving.deadline(), Some(now + seconds(5)));
    assert_eq!(processing.deadline(), None);
    drop(request);
    assert!(processing.is_expired(Instant::now()));
}
