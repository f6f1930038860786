//! Exemplars of histograms: for each bucket the trace of the last sampled observation in it.

use std::{
    collections::BTreeMap,
    sync::Mutex,
    time::{Duration, SystemTime},
};

use mien_host::sync::lock;
use opentelemetry::trace::SpanContext;
use prometheus::{HistogramVec, proto::LabelPair};

/// A histogram of durations with exemplars.
pub(super) struct TracedHistogram {
    histogram: HistogramVec,
    /// Names of the labels in the order of their values.
    labels: [&'static str; 2],
    /// Upper bounds of the buckets in seconds, without the last, which is infinite.
    bounds: &'static [f64],
    /// Label values -> exemplar of each bucket. The values come from the closed sets of the histogram.
    series: Mutex<BTreeMap<[String; 2], Vec<Option<Exemplar>>>>,
}

/// An observation and its trace.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Exemplar {
    /// Trace and span of the observed request.
    pub(super) span: SpanContext,
    /// The observed value.
    pub(super) value: f64,
    /// Time of the observation.
    pub(super) time: SystemTime,
}

impl TracedHistogram {
    /// Wraps a registered histogram with these labels and upper bounds.
    pub(super) fn new(
        histogram: HistogramVec,
        labels: [&'static str; 2],
        bounds: &'static [f64],
    ) -> Self {
        Self {
            histogram,
            labels,
            bounds,
            series: Mutex::default(),
        }
    }

    /// Creates a series with the value 0.
    pub(super) fn init(&self, values: [&str; 2]) {
        self.histogram.with_label_values(&values);
    }

    /// Records a duration. `sampled` is the span of the request if it is sampled; only then an exemplar is stored.
    pub(super) fn observe(&self, values: [&str; 2], took: Duration, sampled: Option<&SpanContext>) {
        let value = took.as_secs_f64();
        self.histogram.with_label_values(&values).observe(value);
        let Some(span) = sampled else { return };
        let exemplar = Exemplar {
            span: span.clone(),
            value,
            time: SystemTime::now(),
        };
        let mut series = lock(&self.series);
        let buckets = series
            .entry(values.map(str::to_owned))
            .or_insert_with(|| vec![None; self.bounds.len() + 1]);
        let bucket = self.bounds.partition_point(|&bound| bound < value);
        buckets[bucket] = Some(exemplar);
    }

    /// Returns the exemplar of each bucket of the series with these labels. The list is empty if no sampled request was observed.
    pub(super) fn exemplars(&self, labels: &[LabelPair]) -> Vec<Option<Exemplar>> {
        let value_of = |name: &str| {
            let label = labels.iter().find(|label| label.name() == name);
            Some(label?.value().to_owned())
        };
        let [Some(first), Some(second)] = self.labels.map(value_of) else {
            return Vec::new();
        };
        let series = lock(&self.series);
        series.get(&[first, second]).cloned().unwrap_or_default()
    }
}
