//! The text format OpenMetrics 1.0. The crate `prometheus` writes only the Prometheus text format, which does not have exemplars.

use std::{
    fmt::{self, Write},
    time::SystemTime,
};

use prometheus::proto::{Histogram, LabelPair, Metric, MetricFamily, MetricType};

use super::exemplars::Exemplar;

/// Suffix of the samples of a counter. The name of the family does not have it.
const TOTAL: &str = "_total";

/// Writes metric families. `exemplars` returns the exemplars of the buckets of a histogram by family and labels.
///
/// # Errors
/// Writing to a `String` does not fail.
pub(super) fn encode(
    families: &[MetricFamily],
    exemplars: impl Fn(&str, &[LabelPair]) -> Vec<Option<Exemplar>>,
) -> Result<String, fmt::Error> {
    let mut text = String::new();
    for family in families {
        let (name, kind) = match family.get_field_type() {
            MetricType::COUNTER => (family.name().trim_end_matches(TOTAL), "counter"),
            MetricType::GAUGE => (family.name(), "gauge"),
            MetricType::HISTOGRAM => (family.name(), "histogram"),
            // The server does not register families of these types.
            MetricType::SUMMARY | MetricType::UNTYPED => continue,
        };
        writeln!(text, "# TYPE {name} {kind}")?;
        writeln!(text, "# HELP {name} {}", escaped(family.help()))?;
        for metric in family.get_metric() {
            let labels = metric.get_label();
            match kind {
                "counter" => {
                    let value = metric.get_counter().get_value();
                    write_sample(&mut text, name, TOTAL, labels, None, value)?;
                    text.push('\n');
                }
                "gauge" => {
                    let value = metric.get_gauge().get_value();
                    write_sample(&mut text, name, "", labels, None, value)?;
                    text.push('\n');
                }
                _ => {
                    write_histogram(&mut text, name, metric, &exemplars(name, labels))?;
                }
            }
        }
    }
    text.push_str("# EOF\n");
    Ok(text)
}

/// Writes the buckets, the count and the sum of one series.
fn write_histogram(
    text: &mut String,
    name: &str,
    metric: &Metric,
    exemplars: &[Option<Exemplar>],
) -> fmt::Result {
    let labels = metric.get_label();
    let histogram: &Histogram = metric.get_histogram();
    let count = histogram.get_sample_count();
    let finite = histogram
        .get_bucket()
        .iter()
        .map(|bucket| (bucket.upper_bound(), bucket.cumulative_count()));
    let buckets = finite.chain([(f64::INFINITY, count)]);
    for (index, (bound, count)) in buckets.enumerate() {
        write_sample(text, name, "_bucket", labels, Some(bound), count as f64)?;
        if let Some(Some(exemplar)) = exemplars.get(index) {
            write_exemplar(text, exemplar)?;
        }
        text.push('\n');
    }
    write_sample(text, name, "_count", labels, None, count as f64)?;
    text.push('\n');
    let sum = histogram.get_sample_sum();
    write_sample(text, name, "_sum", labels, None, sum)?;
    text.push('\n');
    Ok(())
}

/// Writes a sample without the end of its line. `bound` is the upper bound of a bucket.
fn write_sample(
    text: &mut String,
    name: &str,
    suffix: &str,
    labels: &[LabelPair],
    bound: Option<f64>,
    value: f64,
) -> fmt::Result {
    write!(text, "{name}{suffix}")?;
    let bound = bound.map(|bound| ("le", Number(bound).to_string()));
    let labels = labels
        .iter()
        .map(|label| (label.name(), escaped(label.value())))
        .chain(bound);
    let mut separator = '{';
    for (label, value) in labels {
        write!(text, "{separator}{label}=\"{value}\"")?;
        separator = ',';
    }
    if separator == ',' {
        text.push('}');
    }
    write!(text, " {}", Number(value))
}

fn write_exemplar(text: &mut String, exemplar: &Exemplar) -> fmt::Result {
    let Exemplar { span, value, time } = exemplar;
    let seconds = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64();
    write!(
        text,
        " # {{trace_id=\"{}\",span_id=\"{}\"}} {} {seconds:.3}",
        span.trace_id(),
        span.span_id(),
        Number(*value)
    )
}

/// A number in its canonical form: whole numbers end in `.0`.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            f64::INFINITY => f.write_str("+Inf"),
            f64::NEG_INFINITY => f.write_str("-Inf"),
            value => write!(f, "{value:?}"),
        }
    }
}

/// Escapes a label value or a help text.
fn escaped(text: &str) -> String {
    text.replace('\\', r"\\")
        .replace('"', "\\\"")
        .replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
    use prometheus::Registry;

    use super::*;
    use crate::metrics::{
        exemplars::TracedHistogram,
        register::{counter, gauge, histogram},
    };

    const BOUNDS: &[f64] = &[0.1, 1.0];

    fn sampled(id: u8) -> SpanContext {
        SpanContext::new(
            TraceId::from_bytes([id; 16]),
            SpanId::from_bytes([id; 8]),
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        )
    }

    #[test]
    fn families_are_written_in_open_metrics_syntax() {
        let registry = Registry::new();
        let images = counter(&registry, "images_total", "Images.", &["name"]);
        images.with_label_values(&["a\"b\\c\nd"]).inc_by(3);
        let share = gauge(&registry, "share", "A \"share\".", &[]);
        share.with_label_values::<&str>(&[]).set(f64::NAN);
        let labels = ["route", "status"];
        let seconds = histogram(&registry, "seconds", "Duration.", &labels, BOUNDS);
        let seconds = TracedHistogram::new(seconds, labels, BOUNDS);
        let series = ["/v1/classify", "2xx"];
        seconds.observe(series, Duration::from_millis(100), Some(&sampled(1)));
        seconds.observe(series, Duration::from_millis(200), None);
        seconds.observe(series, Duration::from_millis(2500), Some(&sampled(2)));

        let text = encode(&registry.gather(), |name, labels| match name {
            "seconds" => seconds.exemplars(labels),
            _ => Vec::new(),
        });

        let text = text.unwrap();
        let (times, text) = without_exemplar_times(&text);
        assert_eq!(times.len(), 2);
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
        assert!(times.iter().all(|time| (now - time).abs() < 3600.0));
        insta::assert_snapshot!(text, @r##"
        # TYPE images counter
        # HELP images Images.
        images_total{name="a\"b\\c\nd"} 3.0
        # TYPE seconds histogram
        # HELP seconds Duration.
        seconds_bucket{route="/v1/classify",status="2xx",le="0.1"} 1.0 # {trace_id="01010101010101010101010101010101",span_id="0101010101010101"} 0.1
        seconds_bucket{route="/v1/classify",status="2xx",le="1.0"} 2.0
        seconds_bucket{route="/v1/classify",status="2xx",le="+Inf"} 3.0 # {trace_id="02020202020202020202020202020202",span_id="0202020202020202"} 2.5
        seconds_count{route="/v1/classify",status="2xx"} 3.0
        seconds_sum{route="/v1/classify",status="2xx"} 2.8
        # TYPE share gauge
        # HELP share A \"share\".
        share NaN
        # EOF
        "##);
    }

    /// Removes the last field of the lines with exemplars.
    fn without_exemplar_times(text: &str) -> (Vec<f64>, String) {
        let mut times = Vec::new();
        let lines = text.lines().map(|line| match line.rsplit_once(' ') {
            Some((rest, time)) if line.contains(" # {") => {
                times.push(time.parse().unwrap());
                rest
            }
            _ => line,
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        (times, text)
    }
}
