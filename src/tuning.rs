//! How a model is best served on this machine: instances x threads x batch size, measured and not guessed.
//!
//! ```text
//! space   what the settings leave open: layouts (instances x threads) and batch sizes
//!   -> cache   the curve that was measured before, by model file and machine
//!   -> curve   else images/s of each point of the space, in a bounded time; each layout is followed on a track of its own
//!   -> choice  the shortest run that is as good as the best: the knee
//! ```
//!
//! Measuring takes all cores, so it is done before anything serves. For a model that is loaded later it is done where nobody
//! asks for anything meanwhile, and behind whoever does; else the model takes what was chosen for the last version of its
//! name, or the device's default.

mod cache;
mod choice;
pub mod curve;
mod machine;
pub mod sessions;
pub mod space;
mod track;
pub mod until;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::{
    cache::{Cache, Key},
    machine::Machine,
    sessions::Open,
    space::{Configuration, Given, Space},
    until::Until,
};
pub use self::{choice::choose, sessions::Point};
use crate::{
    inference::runtime::{Device, Runtime},
    thread_priority::run_at_background_priority,
};

/// Whether curves are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum TuneMode {
    /// Measured at the start, and for models that are loaded later while nobody asks for anything; kept on disk.
    Auto,
    /// What is not given is the device's default.
    Off,
}

/// What a tuner may do.
#[derive(Debug, Clone)]
pub struct TuningOptions {
    /// Whether curves are measured.
    pub mode: TuneMode,
    /// How long one model may take.
    pub budget: Duration,
    /// The folder of the curves; without it the user's cache folder.
    pub cache: Option<PathBuf>,
}

/// Where a model's configuration is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = TuningSource)]
pub enum Source {
    /// The curve was measured by this server.
    Measured,
    /// The curve was measured before, for this file on a machine like this one.
    Cached,
    /// Settings or sidecar say everything.
    Settings,
    /// It is that of the version that served before: the model was loaded while the server was busy.
    Inherited,
    /// The device's default: tuning is off, or the model was loaded while the server was busy.
    Default,
}

/// How a model is served, and why so.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuning {
    /// Instances, threads and batch size.
    pub configuration: Configuration,
    /// Where they are from.
    pub source: Source,
    /// The curve, where there is one.
    pub points: Vec<Point>,
}

/// The model that is tuned.
pub struct Subject<'a> {
    /// Its name; what is inherited goes by it.
    pub name: &'a str,
    /// SHA-256 of its file, hex.
    pub sha256: &'a str,
    /// What it runs on.
    pub runtime: &'a Runtime,
    /// The side of its pictures.
    pub side: usize,
    /// The batch size of a model that takes no other.
    pub fixed_batch: Option<usize>,
    /// Opens a session.
    pub open: &'a Open<'a>,
}

/// How long nobody has asked for anything; nothing while somebody is served or the server ends.
type Idle = Box<dyn Fn() -> Duration + Send + Sync>;

/// How long that must be for a model that is loaded later to be measured.
const QUIET: Duration = Duration::from_secs(5);

/// Finds the configuration of each model.
pub struct Tuner {
    mode: TuneMode,
    budget: Duration,
    cache: Cache,
    /// Not there before anybody can be served.
    idle: OnceLock<Idle>,
    /// Curves of this process.
    measured: Mutex<BTreeMap<Key, Vec<Point>>>,
    /// What was last chosen for each name.
    chosen: Mutex<BTreeMap<String, Configuration>>,
}

impl Tuner {
    /// A tuner that measures whatever it is asked for until [`Self::start_serving`].
    pub fn new(options: TuningOptions) -> Self {
        let TuningOptions { mode, budget, cache } = options;
        Self {
            mode,
            budget,
            cache: Cache::new(cache),
            idle: OnceLock::new(),
            measured: Mutex::default(),
            chosen: Mutex::default(),
        }
    }

    /// Whether curves are measured before anybody is served.
    pub fn measures(&self) -> bool {
        self.mode == TuneMode::Auto && self.idle.get().is_none()
    }

    /// From now on somebody may be served: nothing is measured that nobody has asked for anything before, and until it is
    /// done. `idle` tells for how long that is so.
    pub fn start_serving(&self, idle: impl Fn() -> Duration + Send + Sync + 'static) {
        // Serving begins once.
        let _ = self.idle.set(Box::new(idle));
    }

    /// Whether nothing is to be measured for this file: its curve is there, everything is given, or tuning is off.
    pub fn knows(&self, sha256: &str, runtime: &Runtime, given: Given) -> bool {
        let (device, cores) = (runtime.device(), machine::cores());
        if self.mode == TuneMode::Off || Space::new(device, cores, given).only().is_some() {
            return true;
        }
        let key = Key::new(sha256, Machine::this(device, cores, &runtime.variant()), given);
        lock(&self.measured).contains_key(&key) || self.cache.read(&key).is_some()
    }

    /// How the model is best served, within what is given. Measures where that is needed and allowed, which takes
    /// up to the budget, and logs curve and choice.
    pub fn tune(&self, model: &Subject<'_>, given: Given) -> Tuning {
        let (device, cores) = (model.runtime.device(), machine::cores());
        let asked = given;
        let given = Given { max_batch: model.fixed_batch.or(given.max_batch), ..given };
        let space = Space::new(device, cores, given);
        if let Some(configuration) = space.only() {
            return Tuning { configuration, source: Source::Settings, points: Vec::new() };
        }
        let default = given.or_default(device, cores);
        let default =
            Tuning { configuration: default, source: Source::Default, points: Vec::new() };
        if self.mode == TuneMode::Off {
            return default;
        }
        let machine = Machine::this(device, cores, &model.runtime.variant());
        let key = Key::new(model.sha256, machine, asked);
        let tuning = match self.curve(model, &key, &space) {
            Some((points, source)) => match choose(&points) {
                Some(configuration) => Tuning { configuration, source, points },
                None => default,
            },
            None => self.inherit(model.name, &space).unwrap_or(default),
        };
        lock(&self.chosen).insert(model.name.to_owned(), tuning.configuration);
        tuning
    }

    /// The curve: of this process, of the disk, or measured now.
    fn curve(&self, model: &Subject<'_>, key: &Key, space: &Space) -> Option<(Vec<Point>, Source)> {
        if let Some(points) = lock(&self.measured).get(key) {
            return Some((points.clone(), Source::Measured));
        }
        if let Some(points) = self.cache.read(key) {
            log(model.name, &points, "tuning: a curve that was measured before");
            return Some((points, Source::Cached));
        }
        let idle = self.idle.get();
        // On a GPU nothing stands back, and larger batches are tried until its memory ends.
        let forbidden = model.runtime.device() != Device::Cpu;
        if idle.is_some_and(|idle| forbidden || idle() < QUIET) {
            return None;
        }
        tracing::info!(model = model.name, budget = ?self.budget, "tuning: measuring");
        let begin = Instant::now();
        let somebody_came = || idle.is_some_and(|idle| idle() < begin.elapsed());
        let until = Until { deadline: begin + self.budget, stop: &somebody_came };
        let measure = || curve::measure(space, model.side, until, model.open);
        let measured = if idle.is_some() { run_at_background_priority(measure) } else { measure() };
        if somebody_came() {
            tracing::info!(model = model.name, "tuning: somebody came; it was not measured");
            return None;
        }
        match measured {
            Ok(points) => {
                log(model.name, &points, "tuning: measured");
                self.cache.write(key, &points);
                lock(&self.measured).insert(key.clone(), points.clone());
                Some((points, Source::Measured))
            }
            Err(error) => {
                tracing::warn!(model = model.name, "tuning: it could not be measured: {error}");
                // Not tried again.
                lock(&self.measured).insert(key.clone(), Vec::new());
                None
            }
        }
    }

    /// What was last chosen for the name, where it is still within what is given.
    fn inherit(&self, name: &str, space: &Space) -> Option<Tuning> {
        let configuration = lock(&self.chosen).get(name).copied()?;
        let points = Vec::new();
        space.contains(configuration).then_some(Tuning {
            configuration,
            source: Source::Inherited,
            points,
        })
    }
}

fn log(model: &str, points: &[Point], event: &str) {
    let curve: Vec<String> = points.iter().map(Point::to_string).collect();
    let choice = choose(points).map(|choice| choice.to_string());
    tracing::info!(model, choice, curve = curve.join(", "), "{event}");
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
