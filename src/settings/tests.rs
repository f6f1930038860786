use std::{collections::BTreeSet, time::Duration};

use clap::Parser;

use super::*;
use crate::{inference::runtime::DeviceChoice, models::ModelVersion};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
}

fn parse(flags: &[&str]) -> Result<Settings, clap::Error> {
    Cli::try_parse_from([&["mien"], flags].concat()).map(|cli| cli.settings)
}

#[test]
fn defaults_match_documentation() {
    let settings = parse(&[]).unwrap();
    assert_eq!(settings.addr.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.limits.max_body, 10 << 20);
    assert_eq!(settings.limits.max_pixels, 24_000_000);
    assert_eq!(settings.limits.request_timeout, Duration::from_secs(30));
    assert_eq!(settings.batching.max_queue_delay, Duration::ZERO);
    assert_eq!(settings.models.device, DeviceChoice::Auto);
    assert_eq!(settings.validate(), Ok(()));
}

#[test]
fn invalid_settings_are_rejected() {
    for flags in [
        ["--addr", "8080"],
        ["--device", "gpu"],
        ["--max-body", "0"],
        ["--max-body", "ten"],
        ["--max-images", "0"],
        ["--request-timeout", "0s"],
        ["--request-timeout", "30"],
        ["--data", "fer2013"],
        ["--data", "=dir"],
        ["--default-model", "a@b"],
        ["--version-policy", "newest"],
        ["--alias", "stable"],
        ["--repository-poll-interval", "0"],
        ["--admin-token", "too-short"],
    ] {
        assert!(parse(&flags).is_err(), "{flags:?}");
    }
    let too_small = parse(&["--max-queue-size", "8"]).unwrap();
    assert!(matches!(
        too_small.validate(),
        Err(SettingsError::QueueTooShort { .. })
    ));
    let twice = parse(&["--data", "a=x", "--data", "a=y"]).unwrap();
    assert_eq!(
        twice.validate(),
        Err(SettingsError::DataTwice("a".to_owned()))
    );
    let error = |flags: &[&str]| parse(flags).unwrap().validate().unwrap_err().to_string();
    assert!(error(&["--version-policy", "a=1", "--version-policy", "a=all"]).contains("for a"));
    assert!(error(&["--alias", "s=a", "--alias", "s=b@1"]).contains("two targets for `s`"));
    assert!(error(&["--alias", "s=a,t=s"]).contains("the target `s` is an alias"));
}

#[test]
fn model_settings_accept_lists() {
    let flags = [
        "--version-policy",
        "latest:2;m=1,3",
        "--alias",
        "s=a,t=m@1",
        "--repository-poll-interval",
        "0.5",
    ];
    let models = parse(&flags).unwrap().models;
    assert_eq!((models.version_policy.len(), models.alias.len()), (2, 2));
    assert_eq!(
        models.repository_poll_interval,
        Some(Duration::from_millis(500))
    );
    let options = models.lifecycle().unwrap();
    let serving = BTreeSet::from([4, 5].map(ModelVersion::of));
    let selects = |version| {
        let version = ModelVersion::of(version);
        options.policies.selects("m", version, &serving, None)
    };
    assert!(selects(1) && !selects(2));
}
