//! Checks the files of `deploy/` with the tools of their formats.

mod server;
mod tool;

use std::{
    fs::{self, File},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

use self::tool::{
    CYCLONEDX, HELM, KUBERNETES_VALIDATE, PROMTOOL, PYSPARK, PYYAML, RAY, SYSTEMD_ANALYZE, Tool,
};
use crate::{
    sbom,
    workspace::{check, root},
};

/// Version of the Kubernetes schemas.
const KUBERNETES: &str = "1.34.0";
/// Highest accepted exposure of the systemd unit, in tenths.
const EXPOSURE: &str = "--threshold=15";

/// A check and the programs that it needs.
type Check = (&'static str, &'static [Tool], fn() -> Result<()>);

const CHECKS: [Check; 10] = [
    ("Prometheus rules", &[PROMTOOL], rules),
    ("Grafana queries", &[PROMTOOL], board),
    ("systemd unit", &[SYSTEMD_ANALYZE], unit),
    ("Helm chart", &[HELM], || {
        check(HELM.command(&["lint", "--strict", "deploy/helm/mien"]))
    }),
    (
        "Kubernetes objects",
        &[HELM, KUBERNETES_VALIDATE],
        kubernetes,
    ),
    (
        "rehearsal of the Helm chart and of the KServe runtimes",
        &[HELM, PYYAML],
        server::rehearsal,
    ),
    ("Indexed Job", &[PYYAML], || server::bulk(&PYYAML, "job")),
    ("example for Spark", &[PYSPARK], || {
        server::bulk(&PYSPARK, "spark")
    }),
    ("example for Ray", &[RAY], || server::bulk(&RAY, "ray")),
    ("bill of materials", &[CYCLONEDX], bill_of_materials),
];

/// Runs all checks whose programs are installed.
///
/// # Errors
/// Returns an error if a check fails, or if a program is missing and `allow_missing` is false.
pub(crate) fn run(allow_missing: bool) -> Result<()> {
    let mut skipped = false;
    for (name, tools, step) in CHECKS {
        if let Some(tool) = tools.iter().find(|tool| !tool.is_installed()) {
            skipped = true;
            eprintln!(
                "== {name}: skipped because {} is missing; install it ({}) or set {}",
                tool.name, tool.source, tool.variable
            );
            continue;
        }
        eprintln!("== {name}");
        step().with_context(|| format!("check of the {name}"))?;
    }
    ensure!(
        allow_missing || !skipped,
        "checks were skipped; install the missing programs or set --allow-missing"
    );
    Ok(())
}

fn rules() -> Result<()> {
    check(PROMTOOL.command(&["check", "rules", "deploy/prometheus/rules.yml"]))?;
    check(PROMTOOL.command(&[
        "test",
        "rules",
        "deploy/prometheus/rules_test.yml",
        "deploy/prometheus/rules_week_test.yml",
    ]))
}

fn board() -> Result<()> {
    let file = tempfile::NamedTempFile::new()?;
    let mut queries = Command::new("python3");
    queries
        .current_dir(root())
        .arg("deploy/checks/board_rules.py")
        .stdout(file.reopen()?);
    check(queries)?;
    let mut promtool = PROMTOOL.command(&["check", "rules"]);
    promtool.arg(file.path());
    check(promtool)
}

fn unit() -> Result<()> {
    // systemd-analyze checks that the program exists.
    let text = fs::read_to_string(root().join("deploy/systemd/mien.service"))?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("mien.service");
    fs::write(&path, text.replace("/opt/mien/mien serve", "/bin/true"))?;
    for args in [
        &["verify", "--man=no"] as &[&str],
        &["security", "--offline=true", EXPOSURE],
    ] {
        let mut analyze = SYSTEMD_ANALYZE.command(args);
        analyze.arg(&path);
        check(analyze)?;
    }
    Ok(())
}

/// Renders the chart with several values and compares the objects with the schemas of Kubernetes.
fn kubernetes() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let variants: [&[&str]; 3] = [
        &[],
        &[
            "--values=deploy/helm/mien/values-gpu.yaml",
            "--set=autoscaling.type=hpa,tuning.cache.persistent=true,adminToken.existingSecret=mien,apiKeys.existingSecret=mien-keys,tls.existingSecret=mien-tls,traces.endpoint=http://otel-collector:4317",
        ],
        &[
            "--set=monitoring.dashboard.enabled=true,metrics.separateListener=true,models.existingClaim=models,grpc.enabled=false",
        ],
    ];
    for (number, values) in variants.into_iter().enumerate() {
        let path = folder.path().join(format!("{number}.yaml"));
        let mut template = HELM.command(&["template", "mien", "deploy/helm/mien"]);
        template.args(values).stdout(File::create(&path)?);
        check(template)?;
        validate(&path)?;
    }
    validate(&root().join("deploy/bulk/job.yaml"))
}

/// Validates a new bill of materials.
fn bill_of_materials() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("sbom.cdx.json");
    sbom::run(Some(path.clone()))?;
    let mut script = CYCLONEDX.command(&["deploy/checks/validate_sbom.py"]);
    script.arg(path);
    check(script)
}

/// Validates a file. kubernetes-validate only warns about API versions that Kubernetes has removed.
fn validate(path: &std::path::Path) -> Result<()> {
    let mut command = KUBERNETES_VALIDATE.command(&["--strict", "-k", KUBERNETES]);
    let output = command.arg(path).output()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    if !output.status.success() || text.contains("WARN") {
        bail!("{} is invalid:\n{text}", path.display());
    }
    Ok(())
}
