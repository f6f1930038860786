//! The report of the check: one page of Markdown.

use std::fmt::Write;

/// A check and its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    /// The checked property.
    pub(super) name: String,
    pub(super) passed: bool,
    /// The measured value, or the error of a step that broke.
    pub(super) figure: String,
    /// The limit of the value; empty if there is none.
    pub(super) limit: String,
}

/// Throughput and latency of a model on both devices, the checked device first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Speed {
    pub(super) model: String,
    /// Images per second.
    pub(super) throughput: [f64; 2],
    /// Median, ms.
    pub(super) latency: [f64; 2],
}

/// The content of the report.
#[derive(Debug, Clone, Default)]
pub(super) struct Report {
    /// Names and values that describe the machine and the programs.
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) checks: Vec<Check>,
    pub(super) speeds: Vec<Speed>,
}

impl Check {
    /// Creates a check that passes if the value is at most the limit.
    pub(super) fn at_most(name: impl Into<String>, value: f64, limit: f64, figure: String) -> Self {
        Self {
            name: name.into(),
            passed: value <= limit,
            figure,
            limit: format!("at most {limit:e}"),
        }
    }

    /// Creates a check that passes if two names are equal.
    pub(super) fn equal(name: impl Into<String>, actual: &str, expected: &str) -> Self {
        Self {
            name: name.into(),
            passed: actual == expected,
            figure: actual.to_owned(),
            limit: expected.to_owned(),
        }
    }

    /// Creates the check of a step that broke.
    pub(super) fn broken(name: impl Into<String>, error: &anyhow::Error) -> Self {
        Self {
            name: name.into(),
            passed: false,
            figure: format!("{error:#}"),
            limit: String::new(),
        }
    }
}

impl Report {
    /// Adds the checks of a step, or a failed check if the step broke.
    pub(super) fn add(&mut self, step: &str, checks: anyhow::Result<Vec<Check>>) {
        match checks {
            Ok(checks) => self.checks.extend(checks),
            Err(error) => self.checks.push(Check::broken(step, &error)),
        }
    }

    /// Returns the number of failed checks.
    pub(super) fn failed(&self) -> usize {
        self.checks.iter().filter(|check| !check.passed).count()
    }

    /// Returns one line with the numbers of checks.
    pub(super) fn summary(&self) -> String {
        let count = self.checks.len();
        match self.failed() {
            0 => format!("All {count} checks passed."),
            failed => format!("{failed} of {count} checks failed."),
        }
    }

    /// Returns the page. `device` is the name of the checked device.
    pub(super) fn markdown(&self, device: &str) -> String {
        let mut page = format!("# GPU check of mien on {device}\n\n{}\n", self.summary());
        let facts = self.facts.iter();
        table(
            &mut page,
            ["", ""],
            facts.map(|(name, value)| [(*name).to_owned(), value.clone()]),
        );
        page.push_str("\n## Checks\n");
        let checks = self.checks.iter().map(|check| {
            let result = if check.passed { "passed" } else { "failed" };
            [&check.name, result, &check.figure, &check.limit].map(str::to_owned)
        });
        table(&mut page, ["check", "result", "figure", "limit"], checks);
        if !self.speeds.is_empty() {
            page.push_str("\n## Speed\n");
            let rows = self.speeds.iter().flat_map(|speed| {
                let throughput = ratio(speed.throughput, "images/s", speed.throughput);
                let [device, cpu] = speed.latency;
                let latency = ratio(speed.latency, "ms", [cpu, device]);
                [
                    row(&speed.model, "throughput", throughput),
                    row(&speed.model, "median latency", latency),
                ]
            });
            table(
                &mut page,
                ["model", "measure", device, "cpu", "speed-up"],
                rows,
            );
        }
        page
    }
}

/// Returns two values with their unit, and the quotient of `parts`.
fn ratio(values: [f64; 2], unit: &str, [above, below]: [f64; 2]) -> [String; 3] {
    let [device, cpu] = values.map(|value| format!("{value:.1} {unit}"));
    [device, cpu, format!("{:.2}", above / below)]
}

fn row(model: &str, measure: &str, [device, cpu, speed_up]: [String; 3]) -> [String; 5] {
    [model.to_owned(), measure.to_owned(), device, cpu, speed_up]
}

/// Appends a table.
fn table<const N: usize>(
    page: &mut String,
    header: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) {
    page.push('\n');
    let mut line = |cells: [String; N]| {
        let _ = writeln!(page, "| {} |", cells.map(|text| cell(&text)).join(" | "));
    };
    line(header.map(str::to_owned));
    line([(); N].map(|()| "---".to_owned()));
    rows.for_each(line);
}

/// Returns a text as a cell of a table.
fn cell(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    fn report() -> Report {
        Report {
            facts: vec![("GPU", "NVIDIA T4, 15360 MiB".to_owned())],
            checks: vec![
                Check::equal("device of the training", "Cuda(0)", "Cuda(0)"),
                Check::at_most("held-out loss", 0.002, 1e-3, "2e-3".to_owned()),
            ],
            speeds: vec![Speed {
                model: "student".to_owned(),
                throughput: [3000.0, 500.0],
                latency: [1.0, 4.0],
            }],
        }
    }

    #[test]
    fn page_lists_facts_checks_and_speeds() {
        let expected = "\
# GPU check of mien on cuda:0

1 of 2 checks failed.

|  |  |
| --- | --- |
| GPU | NVIDIA T4, 15360 MiB |

## Checks

| check | result | figure | limit |
| --- | --- | --- | --- |
| device of the training | passed | Cuda(0) | Cuda(0) |
| held-out loss | failed | 2e-3 | at most 1e-3 |

## Speed

| model | measure | cuda:0 | cpu | speed-up |
| --- | --- | --- | --- | --- |
| student | throughput | 3000.0 images/s | 500.0 images/s | 6.00 |
| student | median latency | 1.0 ms | 4.0 ms | 4.00 |
";
        assert_eq!(report().markdown("cuda:0"), expected);
    }

    #[test]
    fn broken_step_is_a_failed_check_on_one_line() {
        let mut report = Report::default();
        assert_eq!(report.failed(), 0);
        report.add("training", Err(anyhow!("no | memory\nleft")));
        assert_eq!(report.failed(), 1);
        let page = report.markdown("cuda:0");
        assert!(
            page.contains("| training | failed | no \\| memory left |  |\n"),
            "{page}"
        );
    }

    #[test]
    fn value_that_is_not_a_number_fails() {
        let check = Check::at_most("loss", f64::NAN, 1e-3, String::new());
        assert!(!check.passed);
    }
}
