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
    assert_eq!(settings.limits.max_body, 32 << 20);
    assert_eq!(settings.limits.max_pixels, 64_000_000);
    assert_eq!(settings.limits.max_decode_memory, 256 << 20);
    assert_eq!(settings.limits.request_timeout, Duration::from_secs(30));
    assert_eq!(settings.batching.max_queue_delay, Duration::ZERO);
    assert_eq!(settings.engines.device, DeviceChoice::Auto);
    assert_eq!(settings.validate(), Ok(()));
}

#[test]
fn invalid_settings_are_rejected() {
    for flags in [
        ["--addr", "8080"],
        ["--addr", "localhost"],
        ["--grpc-addr", "http://localhost:8081"],
        ["--device", "gpu"],
        ["--max-body", "0"],
        ["--max-body", "ten"],
        ["--max-images", "0"],
        ["--drift", "auto"],
        ["--drift-window", "99"],
        ["--shadow", "m@1"],
        ["--shadow", "m=2"],
        ["--shadow-share", "0"],
        ["--shadow-share", "1.1"],
        ["--request-timeout", "0s"],
        ["--request-timeout", "30"],
        ["--data", "fer2013"],
        ["--data", "=dir"],
        ["--default-model", "a@b"],
        ["--model", "a"],
        ["--model", "a="],
        ["--model", "a/b=dir"],
        ["--model", "a@1=dir"],
        ["--version-policy", "newest"],
        ["--alias", "stable"],
        ["--repository-poll-interval", "0"],
        ["--admin-token", "too-short"],
    ] {
        assert!(parse(&flags).is_err(), "{flags:?}");
    }
    let threads = parse(&["--instances", "5", "--intra-op-threads", "256"]).unwrap();
    assert_eq!(threads.validate(), Err(SettingsError::TooManyThreads(1280)));
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
    assert!(error(&["--model", "a=x,a=y"]).contains("two directories for `a`"));
    assert!(error(&["--version-policy", "a=1", "--version-policy", "a=all"]).contains("for a"));
    assert!(error(&["--alias", "s=a", "--alias", "s=b@1"]).contains("two targets for `s`"));
    assert!(error(&["--alias", "s=a,t=s"]).contains("the target `s` is an alias"));
    let shadows = ["--alias", "s=a", "--shadow", "a@1=2,s@1=3"];
    assert!(error(&shadows).contains("two candidates for model `a`"));
}

#[test]
fn invalid_admin_tokens_are_not_printed() {
    let secret = "a token with spaces and 123456";
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, secret).unwrap();
    let path = file.path().to_str().unwrap();
    for flags in [
        ["--admin-token", secret],
        ["--admin-token", "0123456789abcdef\n"],
        ["--admin-token-file", path],
    ] {
        let error = parse(&flags).unwrap_err().to_string();
        assert!(error.contains(flags[0]), "{error}");
        assert!(error.contains("16 characters"), "{error}");
        assert!(!error.contains("123456"), "{error}");
    }
    let missing = parse(&["--admin-token-file", "/nowhere/token"]).unwrap_err();
    assert!(missing.to_string().contains("/nowhere/token"), "{missing}");
}

#[test]
fn admin_token_file_may_end_with_line_break() {
    let expected = parse(&["--admin-token", "0123456789abcdef"]).unwrap();
    for content in [
        "0123456789abcdef",
        "0123456789abcdef\n",
        "0123456789abcdef\r\n",
    ] {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, content).unwrap();
        let settings = parse(&["--admin-token-file", file.path().to_str().unwrap()]).unwrap();
        assert_eq!(settings.admin.token(), expected.admin.token());
    }
    let two_lines = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&two_lines, "0123456789abcdef\n\n").unwrap();
    assert!(parse(&["--admin-token-file", two_lines.path().to_str().unwrap()]).is_err());
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

#[test]
fn errors_of_huge_numbers_state_the_bound() {
    for (flag, bound) in [
        ("--evaluation-retention", "must be 1 to 1000000"),
        ("--max-body", "must be 1 to 1073741824 bytes"),
    ] {
        for huge in ["18446744073709551615", "99999999999999999999999"] {
            let error = parse(&[flag, huge]).unwrap_err().to_string();
            assert!(error.contains(bound), "{error}");
        }
    }
}

#[test]
fn numbers_have_upper_bounds() {
    for (flag, max, above) in [
        ("--instances", "256", "257"),
        ("--intra-op-threads", "256", "257"),
        ("--max-batch", "1024", "1025"),
        ("--max-queue-size", "65536", "65537"),
        ("--max-images", "65536", "65537"),
        ("--max-connections", "1000000", "1000001"),
        ("--max-explanations", "1024", "1025"),
        ("--evaluation-retention", "1000000", "1000001"),
        ("--inference-timeout", "365d", "366d"),
        ("--max-pixels", "1G", "2G"),
        ("--max-body", "1GiB", "2GiB"),
        ("--max-body-memory", "1TiB", "2TiB"),
        ("--cuda-memory-limit", "1TiB", "2TiB"),
        ("--request-timeout", "365d", "366d"),
        ("--body-timeout", "365d", "366d"),
        ("--header-timeout", "365d", "366d"),
        ("--keep-alive", "365d", "366d"),
        ("--max-queue-delay", "365d", "366d"),
        ("--drain-delay", "365d", "366d"),
        ("--drain-timeout", "365d", "18446744073709551615s"),
        ("--tune-budget", "365d", "366d"),
        ("--repository-poll-interval", "31536000", "31536001"),
    ] {
        assert!(parse(&[flag, max]).is_ok(), "{flag} {max}");
        let error = parse(&[flag, above]).unwrap_err().to_string();
        assert!(error.contains(flag), "{error}");
    }
}
