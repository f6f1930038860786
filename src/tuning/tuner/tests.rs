use std::{path::Path, sync::Arc};

use mien_host::cpu_times::CpuTimes;

use super::*;
use crate::inference::runtime::Device;

/// Idle time of the server that allows a measurement.
const IDLE: Duration = Duration::from_secs(5);

/// A machine whose time passes only by [`Stub::pass`].
#[derive(Default)]
struct Stub(Mutex<State>);

#[derive(Default)]
struct State {
    now: Duration,
    total: u64,
    others: u64,
    load: u64,
}

impl Machine for Arc<Stub> {
    fn now(&self) -> Duration {
        lock(&self.0).now
    }

    fn cpu_times(&self) -> Option<CpuTimes> {
        let State { total, others, .. } = *lock(&self.0);
        Some(CpuTimes {
            processors: cpu::available_cores(),
            total,
            others,
        })
    }
}

impl Stub {
    /// Sets the share of the cores that other processes occupy from now on, in percent.
    fn set_load(&self, percent: u64) {
        lock(&self.0).load = percent;
    }

    fn pass(&self, seconds: u64) {
        let mut state = lock(&self.0);
        state.now += Duration::from_secs(seconds);
        state.total += 100 * seconds;
        state.others += state.load * seconds;
    }
}

/// A tuner on a stubbed machine, and the model that it tunes.
struct Fixture {
    stub: Arc<Stub>,
    tuner: Tuner,
}

impl Fixture {
    fn new(cache: &Path) -> Self {
        let stub = Arc::new(Stub::default());
        let options = TuningOptions {
            mode: TuneMode::Auto,
            budget: Duration::from_secs(3),
            idle: IDLE,
            max_load: 0.1,
            cache: Some(cache.to_owned()),
        };
        let tuner = Tuner::with_machine(options, Box::new(Arc::clone(&stub)));
        Self { stub, tuner }
    }

    fn select(&self) -> Tuning {
        self.tuner.select(&target())
    }

    /// Returns the configuration and whether its curve is provisional.
    fn chosen(&self) -> (String, bool) {
        let tuning = self.select();
        let provisional = tuning.curve.is_some_and(|curve| curve.provisional);
        (tuning.configuration.to_string(), provisional)
    }

    /// Passes idle seconds as the lifecycle does, until a measurement is due; returns their number.
    fn idle_until_due(&self) -> u64 {
        let mut seconds = 0;
        while !self.tuner.is_due(&target(), IDLE) {
            assert!(seconds < 3_600, "no measurement is due");
            self.stub.pass(1);
            self.tuner.sample_load();
            seconds += 1;
        }
        seconds
    }

    /// Measures for three seconds under a load. The fastest batch size is `best`.
    fn measure(&self, load: u64, best: usize) -> bool {
        let run = |space: &Space, _: StopCondition<'_>| {
            self.stub.set_load(load);
            self.stub.pass(3);
            Ok(points(space.layouts[0], best))
        };
        self.tuner.measure(&target(), &|| false, run)
    }
}

fn target() -> TuningTarget<'static> {
    TuningTarget {
        name: "m",
        sha256: "00",
        device: Device::Cpu,
        variant: "test".to_owned(),
        fixed_batch: None,
        default_batch: None,
        largest_batch: None,
        given: Overrides {
            instances: Some(2),
            intra_op_threads: Some(1),
            max_batch: None,
        },
    }
}

fn points(layout: Layout, best: usize) -> Vec<Point> {
    let point = |batch: usize| Point {
        instances: layout.instances,
        intra_op_threads: layout.intra_op_threads,
        batch,
        images_per_second: if batch == best { 200.0 } else { 100.0 },
        run_ms: 10.0 * batch as f64,
        spread: 0.05,
    };
    [1, 2, 4].map(point).into()
}

#[test]
fn bad_measurement_is_corrected_within_idle_minute() {
    let directory = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(directory.path());
    assert_eq!(fixture.select().source, Source::Default);
    // Other processes occupy half of the machine during the first measurement, and for ten minutes after it.
    fixture.stub.set_load(50);
    assert_eq!(fixture.idle_until_due(), 0, "a missing curve does not wait");
    assert!(fixture.measure(50, 1));
    assert_eq!(fixture.chosen(), ("2x1 batch 1".to_owned(), true));
    assert_eq!(fixture.select().curve.unwrap().load, Some(0.5));
    for _ in 0..600 {
        fixture.stub.pass(1);
        fixture.tuner.sample_load();
        assert!(
            !fixture.tuner.is_due(&target(), IDLE),
            "the machine is busy"
        );
    }
    fixture.stub.set_load(0);
    let idle = fixture.idle_until_due();
    assert!(idle <= 60, "{idle} s");
    assert!(fixture.measure(0, 4));
    assert_eq!(fixture.chosen(), ("2x1 batch 4".to_owned(), false));
    assert!(!fixture.tuner.is_due(&target(), Duration::MAX));
}

#[test]
fn provisional_curve_of_earlier_start_is_repeated() {
    let directory = tempfile::tempdir().unwrap();
    assert!(Fixture::new(directory.path()).measure(90, 2));
    let restarted = Fixture::new(directory.path());
    assert_eq!(restarted.select().source, Source::Cached);
    assert_eq!(restarted.chosen(), ("2x1 batch 2".to_owned(), true));
    assert!(restarted.idle_until_due() >= IDLE.as_secs());
    assert!(restarted.measure(0, 1));
    let again = Fixture::new(directory.path());
    assert_eq!(again.chosen(), ("2x1 batch 1".to_owned(), false));
    assert!(!again.tuner.is_due(&target(), Duration::MAX));
}

#[test]
fn unreliable_repetitions_wait_up_to_forty_seconds() {
    let directory = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(directory.path());
    assert!(fixture.measure(50, 1));
    let mut waits = Vec::new();
    for _ in 0..5 {
        fixture.stub.set_load(0);
        // The sample that covers the measurement ends the quiet period.
        fixture.tuner.sample_load();
        waits.push(fixture.idle_until_due());
        // The load begins while the measurement runs and is higher than before.
        assert!(!fixture.measure(60, 2));
        assert_eq!(fixture.chosen(), ("2x1 batch 1".to_owned(), true));
    }
    assert_eq!(waits, [5, 10, 20, 40, 40]);
    assert!(fixture.measure(40, 2), "a lower load replaces the curve");
    assert_eq!(fixture.chosen(), ("2x1 batch 2".to_owned(), true));
}

#[test]
fn measurement_waits_for_idle_server() {
    let directory = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(directory.path());
    let almost = IDLE - Duration::from_millis(1);
    assert!(!fixture.tuner.is_due(&target(), almost));
    assert!(fixture.tuner.is_due(&target(), IDLE));
    let interrupted = fixture.tuner.measure(&target(), &|| true, |space, _| {
        Ok(points(space.layouts[0], 4))
    });
    assert!(!interrupted);
    assert_eq!(fixture.select().source, Source::Default);
    assert!(fixture.tuner.is_due(&target(), IDLE), "it is tried again");
}

#[test]
fn failed_measurement_is_not_repeated() {
    let directory = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(directory.path());
    let failed = || InferenceError::Run("broken".to_owned());
    let run = |_: &Space, _: StopCondition<'_>| Err(failed());
    assert!(!fixture.tuner.measure(&target(), &|| false, run));
    assert_eq!(fixture.select().source, Source::Default);
    assert!(!fixture.tuner.is_due(&target(), Duration::MAX));
}

#[test]
fn contradicted_curve_is_refined_and_measured_again() {
    let directory = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(directory.path());
    assert!(fixture.measure(0, 4));
    let layout = fixture.select().configuration.layout;
    let live = [(1, 10), (2, 20), (4, 90)].map(|(batch, ms)| LiveCalls {
        batch,
        calls: 1_000,
        median: Duration::from_millis(ms),
    });
    fixture.stub.set_load(50);
    fixture.stub.pass(5);
    fixture.tuner.sample_load();
    let refine = || fixture.tuner.refine(&target(), layout, &live);
    assert!(!refine(), "other processes slow the calls down");
    fixture.stub.set_load(0);
    for _ in 0..6 {
        fixture.stub.pass(1);
        fixture.tuner.sample_load();
    }
    assert!(refine());
    assert_eq!(fixture.select().source, Source::Refined);
    assert_eq!(fixture.chosen(), ("2x1 batch 1".to_owned(), true));
    assert!(!refine(), "the curve fits now");
    assert!(fixture.tuner.is_due(&target(), IDLE));
    // The second correction is the last one, so that the configuration does not alternate forever.
    assert!(fixture.measure(0, 4) && refine());
    assert!(fixture.measure(0, 4) && !refine());
    assert_eq!(fixture.chosen(), ("2x1 batch 4".to_owned(), false));
}

#[test]
fn new_version_inherits_configuration() {
    let directory = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(directory.path());
    assert!(fixture.measure(0, 2));
    assert_eq!(fixture.chosen().0, "2x1 batch 2");
    let successor = TuningTarget {
        sha256: "11",
        ..target()
    };
    let tuning = fixture.tuner.select(&successor);
    assert_eq!(tuning.source, Source::Inherited);
    assert_eq!(tuning.configuration.to_string(), "2x1 batch 2");
    let other = TuningTarget {
        name: "other",
        ..successor
    };
    assert_eq!(fixture.tuner.select(&other).source, Source::Default);
}
