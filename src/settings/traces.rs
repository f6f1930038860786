//! Settings of OpenTelemetry traces. Their variables are those of the OpenTelemetry specification.

use clap::{Args, ValueEnum, builder::FalseyValueParser};
use reqwest::Url;

use super::SettingsError;
use crate::traces::{Protocol, Sampler, TraceOptions};

/// Path of traces on a collector (OTLP specification, "OTLP/HTTP Request").
const TRACES_PATH: &str = "v1/traces";

/// Settings of traces. Values are checked only if traces are exported, because the variables often apply to all containers of
/// a cluster.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Traces")]
pub struct TraceSettings {
    /// URL of an OpenTelemetry collector, such as `http://localhost:4318`. The server then exports a trace of each sampled request. Off by
    /// default.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    otlp_endpoint: Option<String>,

    /// URL of the collector for traces, with priority over --otlp-endpoint. For http/protobuf the URL must include the path, such as `http://localhost:4318/v1/traces`.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", value_name = "URL")]
    otlp_traces_endpoint: Option<String>,

    /// Protocol of the collector: http/protobuf or grpc. The default is http/protobuf.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_PROTOCOL", value_name = "PROTOCOL")]
    otlp_protocol: Option<String>,

    /// Protocol of the collector for traces, with priority over --otlp-protocol.
    #[arg(
        long,
        env = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        value_name = "PROTOCOL"
    )]
    otlp_traces_protocol: Option<String>,

    /// Selects the requests that are traced: always_on, always_off or traceidratio. With the prefix parentbased_, the sampling decision in
    /// the header traceparent of the client has priority. The default is parentbased_always_on.
    #[arg(long, env = "OTEL_TRACES_SAMPLER", value_name = "NAME")]
    traces_sampler: Option<String>,

    /// Share of the requests that traceidratio selects, 0 to 1. The default is 1.
    #[arg(long, env = "OTEL_TRACES_SAMPLER_ARG", value_name = "SHARE")]
    traces_sampler_arg: Option<String>,

    /// Exporter of traces: otlp or none. The default is otlp.
    #[arg(long, env = "OTEL_TRACES_EXPORTER", value_name = "NAME")]
    traces_exporter: Option<String>,

    /// Disables traces.
    #[arg(long, env = "OTEL_SDK_DISABLED", value_parser = FalseyValueParser::new())]
    otel_sdk_disabled: bool,
}

impl TraceSettings {
    /// Returns the options of the export, or `None` if traces are not exported.
    ///
    /// # Errors
    /// Returns an error if traces are exported and a setting is invalid.
    pub fn options(&self) -> Result<Option<TraceOptions>, SettingsError> {
        let traces_endpoint = set(&self.otlp_traces_endpoint);
        let endpoint = traces_endpoint.or(set(&self.otlp_endpoint));
        let Some(endpoint) = endpoint.filter(|_| !self.otel_sdk_disabled) else {
            return Ok(None);
        };
        match set(&self.traces_exporter) {
            Some("none") => return Ok(None),
            None | Some("otlp") => {}
            Some(other) => {
                let reason =
                    format!("--traces-exporter `{other}` is not supported; use otlp or none");
                return Err(SettingsError::Traces(reason));
            }
        }
        let protocol = self.protocol()?;
        let flag = match traces_endpoint {
            Some(_) => "--otlp-traces-endpoint",
            None => "--otlp-endpoint",
        };
        let is_complete = traces_endpoint.is_some() || protocol == Protocol::Grpc;
        Ok(Some(TraceOptions {
            endpoint: url(flag, endpoint, is_complete).map_err(SettingsError::Traces)?,
            protocol,
            sampler: self.sampler()?,
        }))
    }

    fn protocol(&self) -> Result<Protocol, SettingsError> {
        let traces = set(&self.otlp_traces_protocol).map(|name| ("--otlp-traces-protocol", name));
        let all = set(&self.otlp_protocol).map(|name| ("--otlp-protocol", name));
        let Some((flag, name)) = traces.or(all) else {
            return Ok(Protocol::HttpProtobuf);
        };
        Protocol::from_str(name, true).map_err(|_| {
            let reason = format!("{flag} `{name}` is not supported; use http/protobuf or grpc");
            SettingsError::Traces(reason)
        })
    }

    fn sampler(&self) -> Result<Sampler, SettingsError> {
        let name = set(&self.traces_sampler).unwrap_or("parentbased_always_on");
        let ratio = match set(&self.traces_sampler_arg) {
            Some(text) if name.ends_with("traceidratio") => {
                super::parse::share(text).map_err(|reason| {
                    SettingsError::Traces(format!("--traces-sampler-arg `{text}`: {reason}"))
                })?
            }
            _ => 1.0,
        };
        Sampler::from_name(name, ratio).ok_or_else(|| {
            let names = Sampler::NAMES.join(", ");
            let reason = format!("--traces-sampler `{name}` is not supported; use one of {names}");
            SettingsError::Traces(reason)
        })
    }
}

/// Returns the value of a setting. An empty variable is not set (OpenTelemetry specification, "Empty value").
fn set(value: &Option<String>) -> Option<&str> {
    value.as_deref().filter(|value| !value.is_empty())
}

/// Returns the URL to which the exporter sends traces, from the text of a flag. Unless the URL is complete, the path of traces is added.
fn url(flag: &str, text: &str, is_complete: bool) -> Result<String, String> {
    let invalid = |reason: &str| format!("{flag} `{text}` {reason}");
    let url = Url::parse(text).ok();
    let url = url.filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
    let Some(mut url) = url else {
        return Err(invalid("is not a URL such as http://localhost:4318"));
    };
    if !is_complete {
        let path = format!("{}/{TRACES_PATH}", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        traces: TraceSettings,
    }

    fn options(flags: &[&str]) -> Result<Option<TraceOptions>, String> {
        let cli = Cli::try_parse_from([&["mien"], flags].concat()).unwrap();
        cli.traces.options().map_err(|error| error.to_string())
    }

    fn endpoint(flags: &[&str]) -> String {
        options(flags).unwrap().unwrap().endpoint
    }

    #[test]
    fn traces_are_off_without_endpoint() {
        for flags in [
            &[][..],
            &["--otlp-endpoint="],
            &["--otlp-endpoint=http://a", "--otel-sdk-disabled"],
            &["--otlp-endpoint=http://a", "--traces-exporter=none"],
            &["--traces-sampler=jaeger_remote"],
        ] {
            assert_eq!(options(flags), Ok(None), "{flags:?}");
        }
    }

    #[test]
    fn endpoint_gets_path_of_traces_over_http() {
        let base = "--otlp-endpoint=http://a:4318";
        let grpc = "--otlp-protocol=grpc";
        for (flags, expected) in [
            (&[base][..], "http://a:4318/v1/traces"),
            (&["--otlp-endpoint=http://a/b/"], "http://a/b/v1/traces"),
            (&[base, "--otlp-traces-endpoint=http://b/c"], "http://b/c"),
            (&["--otlp-endpoint=https://a"], "https://a/v1/traces"),
            (&[base, grpc], "http://a:4318/"),
            (&["--otlp-endpoint=https://a", grpc], "https://a/"),
        ] {
            assert_eq!(endpoint(flags), expected, "{flags:?}");
        }
    }

    #[test]
    fn sampler_is_parent_based_by_default() {
        let sampler = |flags: &[&str]| {
            let flags = [&["--otlp-endpoint=http://a"], flags].concat();
            let sampler = options(&flags).unwrap().unwrap().sampler;
            (sampler.ratio, sampler.is_parent_based)
        };
        assert_eq!(sampler(&[]), (1.0, true));
        let ratio = ["--traces-sampler=traceidratio", "--traces-sampler-arg=0.25"];
        assert_eq!(sampler(&ratio), (0.25, false));
    }

    #[test]
    fn invalid_settings_name_their_flag() {
        for (flag, value) in [
            ("--otlp-endpoint", "collector:4317"),
            ("--otlp-endpoint", "ftp://collector"),
            ("--otlp-protocol", "http/json"),
            ("--otlp-traces-endpoint", "collector:4318"),
            ("--otlp-traces-protocol", "http/json"),
            ("--traces-sampler", "xray"),
            ("--traces-exporter", "zipkin"),
        ] {
            let setting = format!("{flag}={value}");
            let mut flags = vec![setting.as_str()];
            if flag != "--otlp-endpoint" {
                flags.push("--otlp-endpoint=http://a");
            }
            let error = options(&flags).unwrap_err();
            assert!(error.starts_with(&format!("{flag} `{value}`")), "{error}");
        }
        let ratio = [
            "--otlp-endpoint=http://a",
            "--traces-sampler=traceidratio",
            "--traces-sampler-arg=2",
        ];
        let error = options(&ratio).unwrap_err();
        assert_eq!(
            error,
            "--traces-sampler-arg `2`: must be a number from 0 to 1"
        );
    }
}
