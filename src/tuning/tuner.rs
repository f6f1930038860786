//! Finds the configuration of each model: from the settings, a stored curve, a measurement or the previous version.

use std::{
    collections::BTreeMap,
    sync::{Mutex, OnceLock},
    time::{Duration, Instant},
};

use mien_host::{cpu, sync::lock};

use super::{
    Source, Tuning, TuningTarget,
    cache::{Cache, Key},
    choice::choose,
    curve,
    machine::HostFingerprint,
    options::{TuneMode, TuningOptions},
    sessions::Point,
    space::{Configuration, Overrides, Space},
    stop_condition::StopCondition,
};
use crate::{
    inference::runtime::{Device, Runtime},
    thread_priority::run_at_background_priority,
};

/// Returns the time since the last request; zero while requests are being processed or the server is stopping.
type Idle = Box<dyn Fn() -> Duration + Send + Sync>;

/// Idle time that is required before a model is measured in serving mode.
const MIN_IDLE: Duration = Duration::from_secs(5);

/// Finds the configuration of each model.
pub struct Tuner {
    mode: TuneMode,
    budget: Duration,
    cache: Cache,
    /// Set in serving mode.
    idle: OnceLock<Idle>,
    /// Curves of this process.
    measured: Mutex<BTreeMap<Key, Vec<Point>>>,
    /// Last chosen configuration per model name.
    chosen: Mutex<BTreeMap<String, Configuration>>,
}

impl Tuner {
    /// Creates a tuner in start-up mode, in which every model is measured.
    pub fn new(options: TuningOptions) -> Self {
        let TuningOptions {
            mode,
            budget,
            cache,
        } = options;
        Self {
            mode,
            budget,
            cache: Cache::new(cache),
            idle: OnceLock::new(),
            measured: Mutex::default(),
            chosen: Mutex::default(),
        }
    }

    /// Returns whether the tuner is in start-up mode and measures.
    pub fn measures(&self) -> bool {
        self.mode == TuneMode::Auto && self.idle.get().is_none()
    }

    /// Switches to serving mode. Models that are loaded later are measured only while the server is idle, and the
    /// measurement ends with the next request. `idle` returns the time since the last request.
    pub fn start_serving(&self, idle: impl Fn() -> Duration + Send + Sync + 'static) {
        // The switch happens once.
        let _ = self.idle.set(Box::new(idle));
    }

    /// Returns whether no measurement is needed: a curve exists, all values are fixed, or tuning is off.
    pub fn is_tuned(&self, sha256: &str, runtime: &Runtime, given: Overrides) -> bool {
        let (device, cores) = (runtime.device(), cpu::available_cores());
        if self.mode == TuneMode::Off
            || Space::new(device, cores, given)
                .single_configuration()
                .is_some()
        {
            return true;
        }
        let key = Key::new(
            sha256,
            HostFingerprint::new(device, cores, &runtime.variant()),
            given,
        );
        lock(&self.measured).contains_key(&key) || self.cache.read(&key).is_some()
    }

    /// Returns the configuration of the model within the values that are fixed. Measures a curve if that is needed and
    /// allowed, which takes up to the budget, and logs the curve and the choice.
    pub fn tune(&self, model: &TuningTarget<'_>, given: Overrides) -> Tuning {
        let (device, cores) = (model.runtime.device(), cpu::available_cores());
        let requested = given;
        let given = Overrides {
            max_batch: model.fixed_batch.or(given.max_batch),
            ..given
        };
        let space = Space::new(device, cores, given);
        if let Some(configuration) = space.single_configuration() {
            return Tuning::without_curve(configuration, Source::Settings);
        }
        let default = Tuning::without_curve(given.or_default(device, cores), Source::Default);
        if self.mode == TuneMode::Off {
            return default;
        }
        let host = HostFingerprint::new(device, cores, &model.runtime.variant());
        let key = Key::new(model.sha256, host, requested);
        let curve = self
            .known_curve(model.name, &key)
            .or_else(|| self.measure(model, &key, &space));
        let tuning = match curve {
            Some((points, source)) => match choose(&points) {
                Some(configuration) => Tuning {
                    configuration,
                    source,
                    points,
                },
                None => default,
            },
            None => self.inherit(model.name, &space).unwrap_or(default),
        };
        lock(&self.chosen).insert(model.name.to_owned(), tuning.configuration);
        tuning
    }

    /// Returns the curve from memory or from disk.
    fn known_curve(&self, model: &str, key: &Key) -> Option<(Vec<Point>, Source)> {
        if let Some(points) = lock(&self.measured).get(key) {
            return Some((points.clone(), Source::Measured));
        }
        let points = self.cache.read(key)?;
        log_curve(model, &points, Source::Cached);
        Some((points, Source::Cached))
    }

    /// Measures the curve. In serving mode returns `None` unless the server stays idle.
    fn measure(
        &self,
        model: &TuningTarget<'_>,
        key: &Key,
        space: &Space,
    ) -> Option<(Vec<Point>, Source)> {
        let idle = self.idle.get();
        // A GPU has no priorities, and the sweep tries larger batches until its memory is exhausted.
        let forbidden = model.runtime.device() != Device::Cpu;
        if idle.is_some_and(|idle| forbidden || idle() < MIN_IDLE) {
            return None;
        }
        tracing::info!(model = model.name, budget = ?self.budget, "tuning: measuring");
        let begin = Instant::now();
        let interrupted = || idle.is_some_and(|idle| idle() < begin.elapsed());
        let stop = StopCondition::within(self.budget, &interrupted);
        let measure = || curve::measure(space, model.side, stop, model.open);
        let measured = if idle.is_some() {
            run_at_background_priority(measure)
        } else {
            measure()
        };
        if interrupted() {
            tracing::info!(
                model = model.name,
                "tuning skipped: the server is no longer idle"
            );
            return None;
        }
        match measured {
            Ok(points) => {
                log_curve(model.name, &points, Source::Measured);
                self.cache.write(key, &points);
                lock(&self.measured).insert(key.clone(), points.clone());
                Some((points, Source::Measured))
            }
            Err(error) => {
                tracing::warn!(model = model.name, %error, "tuning: the measurement failed");
                // The empty curve prevents another attempt.
                lock(&self.measured).insert(key.clone(), Vec::new());
                None
            }
        }
    }

    /// Returns the last configuration of this name if it is part of the space.
    fn inherit(&self, name: &str, space: &Space) -> Option<Tuning> {
        let configuration = lock(&self.chosen).get(name).copied()?;
        space
            .contains(configuration)
            .then(|| Tuning::without_curve(configuration, Source::Inherited))
    }
}

fn log_curve(model: &str, points: &[Point], source: Source) {
    let curve: Vec<String> = points.iter().map(Point::to_string).collect();
    let choice = choose(points).map(|choice| choice.to_string());
    tracing::info!(
        model,
        ?source,
        choice,
        curve = curve.join(", "),
        "tuning: curve"
    );
}
