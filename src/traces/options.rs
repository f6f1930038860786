//! Options of the export: endpoint, protocol and sampler.

use clap::ValueEnum;
use opentelemetry_sdk::trace;

/// Options of the export.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceOptions {
    /// URL of the collector: for HTTP with the path of the traces, for gRPC without a path.
    pub endpoint: String,
    /// Protocol of the collector.
    pub protocol: Protocol,
    /// Selects the requests that have spans.
    pub sampler: Sampler,
}

/// Protocol of OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// gRPC, by convention on port 4317.
    Grpc,
    /// Protocol Buffers over HTTP, by convention on port 4318.
    #[value(name = "http/protobuf")]
    HttpProtobuf,
}

/// Selects the requests that have spans.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampler {
    /// Share of the requests without a sampling decision of the client, 0 to 1.
    pub ratio: f64,
    /// Whether the decision of the client (`traceparent`) has priority.
    pub is_parent_based: bool,
}

impl Sampler {
    /// Names of the samplers (OpenTelemetry specification, "General SDK Configuration").
    pub const NAMES: [&str; 6] = [
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
    ];

    /// Returns the sampler with a name; `ratio` applies to `traceidratio`. Returns `None` for an unknown name.
    pub fn from_name(name: &str, ratio: f64) -> Option<Self> {
        let root = name.strip_prefix("parentbased_");
        let ratio = match root.unwrap_or(name) {
            "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" => ratio,
            _ => return None,
        };
        Some(Self {
            ratio,
            is_parent_based: root.is_some(),
        })
    }

    /// Creates the sampler of the SDK.
    pub(super) fn build(self) -> trace::Sampler {
        let root = if self.ratio >= 1.0 {
            trace::Sampler::AlwaysOn
        } else if self.ratio <= 0.0 {
            trace::Sampler::AlwaysOff
        } else {
            trace::Sampler::TraceIdRatioBased(self.ratio)
        };
        if self.is_parent_based {
            trace::Sampler::ParentBased(Box::new(root))
        } else {
            root
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samplers_have_names_of_specification() {
        for name in Sampler::NAMES {
            let sampler = Sampler::from_name(name, 0.25).unwrap();
            assert_eq!(sampler.is_parent_based, name.starts_with("parentbased_"));
            let is_ratio = name.ends_with("traceidratio");
            assert_eq!(sampler.ratio == 0.25, is_ratio, "{name}");
        }
        assert_eq!(Sampler::from_name("parentbased_jaeger_remote", 1.0), None);
    }
}
