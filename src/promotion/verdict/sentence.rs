//! Describes a verdict in one sentence.

use mien_faces::report::WorstGroup;

use super::{GroupVerdict, Measured, Verdict};

impl Verdict {
    /// Describes the result in percent and percentage points.
    pub(in crate::promotion) fn sentence(&self) -> String {
        let (Some(baseline), Some(difference), Some(interval)) =
            (&self.baseline, self.difference, self.difference_interval)
        else {
            return self.accuracy();
        };
        let all = self.all_images(baseline, difference, interval);
        match &self.groups {
            None => all,
            Some(groups) => format!("{all}; {}", of_groups(groups)),
        }
    }

    /// Describes the result of `min_accuracy`.
    fn accuracy(&self) -> String {
        let (right, total) = (percent(self.actual), self.candidate.score.total);
        let found = format!("{right} % of {total} images are correct");
        let required = percent(self.required);
        match self.shortfall.map(amount) {
            None => format!("{found}; the minimum is {required} %"),
            Some(short) => format!("{found}: {short} points below the minimum of {required} %"),
        }
    }

    /// Describes the result of `max_regression` on all images.
    fn all_images(&self, baseline: &Measured, difference: f64, interval: [f64; 2]) -> String {
        let found = format!(
            "{:+.2} points compared with version {} on {} images ({})",
            difference * 100.0,
            baseline.version,
            baseline.score.total,
            interval_text(interval)
        );
        format!("{found}{}", limit(self.required, self.shortfall))
    }
}

/// Describes the result of `max_group_regression`.
fn of_groups(groups: &GroupVerdict) -> String {
    let Some(WorstGroup { grouping, group }) = &groups.worst else {
        return "no group has enough images for a comparison".to_owned();
    };
    let found = format!(
        "failed groups: {} of {}, the worst group is {} of {} with {:+.2} points on {} images ({})",
        groups.failed,
        groups.compared,
        group.group,
        grouping,
        group.difference * 100.0,
        group.images,
        interval_text(group.difference_interval)
    );
    format!("{found}{}", limit(groups.required, groups.shortfall))
}

fn interval_text([low, high]: [f64; 2]) -> String {
    format!("95 % interval {:+.2} to {:+.2}", low * 100.0, high * 100.0)
}

/// Describes the limit of the lower end of an interval and by how much the lower end is below it.
fn limit(required: f64, shortfall: Option<f64>) -> String {
    // Adding 0 turns a limit of -0 into 0.
    let limit = percent(required + 0.0);
    match shortfall.map(amount) {
        None => format!("; the limit of the lower end is {limit} points"),
        Some(short) => {
            format!(": the lower end is {short} points below the limit of {limit} points")
        }
    }
}

fn amount(shortfall: f64) -> String {
    match percent(shortfall).as_str() {
        "0.00" => "less than 0.01".to_owned(),
        points => points.to_owned(),
    }
}

fn percent(value: f64) -> String {
    format!("{:.2}", value * 100.0)
}
