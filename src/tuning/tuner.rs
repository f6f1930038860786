//! Finds the configuration of each model: from the settings, a known curve or the previous version. Measures curves when the
//! server is idle.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use mien_host::{cpu, sync::lock};

use super::{
    Source, Tuning, TuningTarget,
    cache::Key,
    choice::choose,
    curve::Curve,
    known_curves::KnownCurves,
    machine::{Host, HostFingerprint, Machine},
    options::{TuneMode, TuningOptions},
    quiet_period::QuietPeriod,
    refinement::{LiveCalls, refine},
    sessions::Point,
    space::{Configuration, Layout, Overrides, Space},
    stop_condition::StopCondition,
};
use crate::{inference::InferenceError, thread_priority::run_at_measurement_priority};

/// A repeated measurement waits for a longer quiet period after each unreliable one: the idle time is doubled up to this many
/// times. With the default idle time of 5 s the longest wait is 40 s.
const MAX_DOUBLINGS: u32 = 3;

/// Finds the configuration of each model.
pub struct Tuner {
    mode: TuneMode,
    budget: Duration,
    idle: Duration,
    max_load: f64,
    machine: Box<dyn Machine>,
    curves: KnownCurves,
    /// Last chosen configuration per model name.
    chosen: Mutex<BTreeMap<String, Configuration>>,
    quiet: Mutex<QuietPeriod>,
}

impl Tuner {
    /// Creates a tuner for this host.
    pub fn new(options: TuningOptions) -> Self {
        Self::with_machine(options, Box::new(Host::new()))
    }

    /// Creates a tuner with another clock and other processor times.
    pub fn with_machine(options: TuningOptions, machine: Box<dyn Machine>) -> Self {
        let TuningOptions {
            mode,
            budget,
            idle,
            max_load,
            cache,
        } = options;
        Self {
            mode,
            budget,
            idle,
            max_load,
            machine,
            curves: KnownCurves::new(cache),
            chosen: Mutex::default(),
            quiet: Mutex::new(QuietPeriod::new(max_load)),
        }
    }

    /// Returns how often [`Self::sample_load`] should be called; `None` if the tuner does not measure.
    pub fn sample_interval(&self) -> Option<Duration> {
        let [shortest, longest] = [50, 1_000].map(Duration::from_millis);
        (self.mode == TuneMode::Auto).then(|| self.idle.clamp(shortest, longest))
    }

    /// Returns the maximum time of a measurement.
    pub fn budget(&self) -> Duration {
        self.budget
    }

    /// Returns whether anything may be measured, if the last request was `idle` ago.
    pub fn measures(&self, idle: Duration) -> bool {
        self.mode == TuneMode::Auto && idle >= self.idle
    }

    /// Records the load of the machine since the last call.
    pub fn sample_load(&self) {
        lock(&self.quiet).sample(self.machine.now(), self.machine.cpu_times());
    }

    /// Returns whether the load of the machine was low at the last sample.
    pub fn is_machine_quiet(&self) -> bool {
        !lock(&self.quiet).length().is_zero()
    }

    /// Returns the configuration of a model within the values that are fixed. Does not measure.
    pub fn select(&self, target: &TuningTarget<'_>) -> Tuning {
        let (space, key) = target.space_and_key();
        if let Some(configuration) = space.single_configuration() {
            return Tuning::without_curve(configuration, Source::Settings);
        }
        let tuning = self
            .of_known_curve(target.name, &key)
            .or_else(|| self.inherit(target.name, &space))
            .unwrap_or_else(|| {
                Tuning::without_curve(target.default_configuration(), Source::Default)
            });
        lock(&self.chosen).insert(target.name.to_owned(), tuning.configuration);
        tuning
    }

    /// Returns whether a measurement should start now, if the last request was `idle` ago: no curve is known, or the curve is
    /// provisional and the machine has been quiet for a while.
    pub fn is_due(&self, target: &TuningTarget<'_>, idle: Duration) -> bool {
        let (space, key) = target.space_and_key();
        if self.mode == TuneMode::Off || space.single_configuration().is_some() || idle < self.idle
        {
            return false;
        }
        let known = self.curves.get(&key);
        let wait = self.idle * 2_u32.pow(known.unreliable.min(MAX_DOUBLINGS));
        known.needs_measurement() && (known.curve.is_none() || lock(&self.quiet).length() >= wait)
    }

    /// Measures a curve with `run` within the budget, and stores and logs it. Returns whether a new curve is known. A
    /// measurement that is interrupted is dropped.
    pub fn measure(
        &self,
        target: &TuningTarget<'_>,
        interrupted: &(dyn Fn() -> bool + Sync),
        run: impl FnOnce(&Space, StopCondition<'_>) -> Result<Vec<Point>, InferenceError> + Send,
    ) -> bool {
        let (space, key) = target.space_and_key();
        let model = target.name;
        tracing::info!(model, budget = ?self.budget, "tuning: measuring");
        let before = self.machine.cpu_times();
        let measured = run_at_measurement_priority(self.is_machine_quiet(), || {
            run(&space, StopCondition::within(self.budget, interrupted))
        });
        let after = self.machine.cpu_times();
        if interrupted() {
            tracing::info!(model, "tuning: interrupted; the server is no longer idle");
            return false;
        }
        match measured {
            Ok(points) => {
                let load = before.zip(after).and_then(|(a, b)| a.load_until(&b));
                let curve = Curve::new(points, load, self.max_load);
                curve.log(model, Source::Measured);
                self.curves.add_measured(&key, curve)
            }
            Err(error) => {
                tracing::warn!(model, %error, "tuning: the measurement failed; it is not repeated");
                self.curves.add_failure(&key);
                false
            }
        }
    }

    /// Corrects the curve of a model by live inference calls with a layout, if they contradict the curve and other processes do
    /// not slow them down. The curve is then measured again when the server is idle. Returns whether the curve was corrected.
    pub fn refine(&self, target: &TuningTarget<'_>, layout: Layout, live: &[LiveCalls]) -> bool {
        if self.mode == TuneMode::Off || lock(&self.quiet).length() < self.idle {
            return false;
        }
        let (_, key) = target.space_and_key();
        let known = self.curves.get(&key);
        let curve = known.curve.as_ref().filter(|_| known.may_be_refined());
        let Some(points) = curve.and_then(|curve| refine(&curve.points, layout, live)) else {
            return false;
        };
        let refined = self.curves.add_refined(&key, points);
        if let Some(curve) = &refined {
            curve.log(target.name, Source::Refined);
        }
        refined.is_some()
    }

    fn of_known_curve(&self, model: &str, key: &Key) -> Option<Tuning> {
        if self.mode == TuneMode::Off {
            return None;
        }
        let is_first = !self.curves.is_in_memory(key);
        let known = self.curves.get(key);
        let curve = known.curve?;
        if is_first {
            curve.log(model, known.source);
        }
        Some(Tuning {
            configuration: choose(&curve.points)?.configuration(),
            source: known.source,
            curve: Some(curve),
        })
    }

    /// Returns the last configuration of this name if it is part of the space.
    fn inherit(&self, name: &str, space: &Space) -> Option<Tuning> {
        if self.mode == TuneMode::Off {
            return None;
        }
        let configuration = lock(&self.chosen).get(name).copied()?;
        space
            .contains(configuration)
            .then(|| Tuning::without_curve(configuration, Source::Inherited))
    }
}

impl TuningTarget<'_> {
    /// Returns the values that are fixed; the batch axis of the model has priority.
    fn fixed(&self) -> Overrides {
        Overrides {
            max_batch: self.fixed_batch.or(self.given.max_batch),
            ..self.given
        }
    }

    fn space_and_key(&self) -> (Space, Key) {
        let cores = cpu::available_cores();
        let host = HostFingerprint::new(self.device, cores, &self.variant);
        let key = Key::new(self.sha256, host, self.given);
        let mut space = Space::new(self.device, cores, self.fixed());
        if let Some(largest) = self.largest_batch {
            space.batches.retain(|&batch| batch <= largest);
        }
        (space, key)
    }

    fn default_configuration(&self) -> Configuration {
        let fixed = self.fixed();
        let values = Overrides {
            max_batch: fixed.max_batch.or(self.default_batch),
            ..fixed
        };
        values.or_default(self.device, cpu::available_cores())
    }
}

#[cfg(test)]
mod tests;
