//! A measured curve and the conditions of its measurement.

use serde::{Deserialize, Serialize};

use super::{Source, choice::choose, sessions::Point};
use crate::timestamp::Timestamp;

/// Maximum spread of a reliable measurement on a system that does not report its load. On an idle machine the spread is below
/// 0.1.
const MAX_SPREAD: f64 = 0.25;

/// The points of a model and the conditions under which they were measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// At least one point.
    pub points: Vec<Point>,
    /// End of the measurement.
    pub measured_at: Timestamp,
    /// Share of the cores, 0 to 1, that other processes occupied during the measurement. `None` if the system does not report it.
    ///
    /// It covers the whole measurement, because a sample takes only a few ticks of the processor times.
    pub load: Option<f64>,
    /// Whether the measurement is to be repeated when the machine is idle, because it is not reliable.
    pub provisional: bool,
}

impl Curve {
    /// Creates the curve of a measurement that ends now. It is provisional if the load exceeds `max_load`.
    pub(super) fn new(points: Vec<Point>, load: Option<f64>, max_load: f64) -> Self {
        let spread = choose(&points).map_or(0.0, |point| point.spread);
        Self {
            points,
            measured_at: Timestamp::now(),
            load,
            provisional: load.map_or(spread > MAX_SPREAD, |load| load > max_load),
        }
    }

    /// Logs the curve of a model.
    pub(super) fn log(&self, model: &str, source: Source) {
        let points: Vec<String> = self.points.iter().map(Point::to_string).collect();
        let choice = choose(&self.points).map(|point| point.configuration().to_string());
        tracing::info!(
            model,
            ?source,
            choice,
            load = self.load,
            provisional = self.provisional,
            curve = points.join(", "),
            "tuning: curve"
        );
    }

    /// Returns whether this curve was measured under a lower load than another.
    pub(super) fn is_more_reliable_than(&self, other: &Self) -> bool {
        self.load < other.load
    }
}
