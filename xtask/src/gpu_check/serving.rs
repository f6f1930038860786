//! Classifies the faces on the device and on the CPU and compares labels and probabilities.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use super::{
    comparison::{Comparison, compare},
    device::Device,
    programs::Programs,
    report::Check,
    server::Server,
};
use crate::workspace::check;

/// Maximum difference of a probability.
const MAX_DIFFERENCE: f64 = 1e-3;

/// Maximum share of faces with another label, because two probabilities of a face can be nearly equal.
const MAX_OTHER_LABELS: f64 = 1e-3;

/// A server on the device and one on the CPU, with the same models.
pub(super) struct Servers {
    pub(super) device: Server,
    pub(super) cpu: Server,
}

impl Servers {
    /// Starts both servers and waits until they are ready.
    ///
    /// # Errors
    /// Returns an error if a server does not become ready.
    pub(super) fn start(programs: &Programs, models: &Path, device: Device) -> Result<Self> {
        let on_device = Server::spawn(programs, models, device.served(), |server| {
            device.select(server);
        })?;
        let on_cpu = Server::spawn(programs, models, "cpu", |_| ())?;
        Ok(Self {
            device: on_device.ready().context("the server on the device")?,
            cpu: on_cpu.ready().context("the server on the CPU")?,
        })
    }
}

/// Classifies the faces with a model on both servers and compares the predictions.
///
/// # Errors
/// Returns an error if a server does not load the model, or the faces cannot be classified.
pub(super) fn run(
    programs: &Programs,
    servers: &mut Servers,
    model: &str,
    device: Device,
    faces: &Path,
    work: &Path,
) -> Result<Vec<Check>> {
    let served_on = servers.device.device_of(model)?;
    servers.cpu.device_of(model)?;
    let classify = |server: &Server, name: &str| {
        let output = work.join(format!("{model}-{name}.csv"));
        classify(programs, server, model, faces, &output)
    };
    let (cpu, on_device) = (
        classify(&servers.cpu, "cpu")?,
        classify(&servers.device, "device")?,
    );
    let mut checks = vec![Check::equal(
        format!("{model}: device of the server"),
        &served_on,
        device.served(),
    )];
    checks.extend(limits(model, &compare(&cpu, &on_device)?));
    Ok(checks)
}

/// Classifies the faces with a model of a server, and returns the results as CSV.
fn classify(
    programs: &Programs,
    server: &Server,
    model: &str,
    faces: &Path,
    output: &Path,
) -> Result<Vec<u8>> {
    let mut classify = programs.mien();
    classify
        .arg("classify")
        .arg(faces)
        .args(["--server", &server.url(""), "--model", model])
        .args(["--format", "csv", "--output"])
        .arg(output);
    check(classify)?;
    fs::read(output).with_context(|| format!("cannot read {}", output.display()))
}

/// Compares the differences with their limits.
fn limits(model: &str, found: &Comparison) -> [Check; 2] {
    let other_labels = (found.faces - found.equal_labels) as f64 / found.faces as f64;
    let labels = Check {
        name: format!("{model}: equal labels"),
        passed: other_labels <= MAX_OTHER_LABELS,
        figure: format!("{} of {}", found.equal_labels, found.faces),
        limit: format!("at least {:.1} %", (1.0 - MAX_OTHER_LABELS) * 100.0),
    };
    let probabilities = Check::at_most(
        format!("{model}: difference of the probabilities"),
        found.max_difference,
        MAX_DIFFERENCE,
        format!(
            "maximum {:.1e}, mean {:.1e}",
            found.max_difference, found.mean_difference
        ),
    );
    [labels, probabilities]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(equal_labels: usize, max_difference: f64) -> [bool; 2] {
        let found = Comparison {
            faces: 1050,
            equal_labels,
            max_difference,
            mean_difference: 0.0,
        };
        limits("student", &found).map(|check| check.passed)
    }

    #[test]
    fn one_of_a_thousand_labels_may_differ() {
        assert_eq!(passed(1049, 1e-6), [true, true]);
        assert_eq!(passed(1048, 1e-6), [false, true]);
    }

    #[test]
    fn probability_that_differs_too_much_fails() {
        assert_eq!(passed(1050, 2e-3), [true, false]);
    }
}
