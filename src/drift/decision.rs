//! Decides from the differences of consecutive windows whether a feature drifts.

use super::comparison::Difference;

/// Maximum probability that a window without drift has one or more significant features.
pub(super) const SIGNIFICANCE: f64 = 0.001;

/// Minimum population stability index of drift. Large windows make differences significant that are too small to matter.
pub(super) const MIN_PSI: f64 = 0.025;

/// Number of consecutive windows that must agree before drift begins or ends.
const WINDOWS: u32 = 2;

/// Whether a feature drifts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) is_drifting: bool,
    /// Number of consecutive windows that contradict `is_drifting`.
    contradictions: u32,
}

/// A change of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Began,
    Ended,
}

impl Decision {
    /// Considers the next window.
    pub(super) fn advance(&mut self, difference: Difference) -> Option<Change> {
        let Difference { psi, p_value } = difference;
        let differs = p_value < SIGNIFICANCE && psi >= MIN_PSI;
        if differs == self.is_drifting {
            self.contradictions = 0;
            return None;
        }
        self.contradictions += 1;
        if self.contradictions < WINDOWS {
            return None;
        }
        *self = Self {
            is_drifting: differs,
            contradictions: 0,
        };
        Some(if differs {
            Change::Began
        } else {
            Change::Ended
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAME: Difference = Difference {
        psi: 0.01,
        p_value: 0.5,
    };
    const OTHER: Difference = Difference {
        psi: 0.3,
        p_value: 1e-9,
    };

    fn changes(windows: &[Difference]) -> Vec<Option<Change>> {
        let mut decision = Decision::default();
        let windows = windows.iter();
        windows.map(|window| decision.advance(*window)).collect()
    }

    #[test]
    fn two_windows_in_a_row_begin_and_end_drift() {
        let (began, ended) = (Some(Change::Began), Some(Change::Ended));
        assert_eq!(changes(&[OTHER, OTHER, OTHER]), [None, began, None]);
        assert_eq!(
            changes(&[OTHER, OTHER, SAME, SAME]),
            [None, began, None, ended]
        );
    }

    #[test]
    fn single_window_does_not_change_decision() {
        assert_eq!(changes(&[OTHER, SAME, OTHER, SAME]), [None; 4]);
        let windows = [OTHER, OTHER, SAME, OTHER, SAME];
        assert_eq!(changes(&windows)[2..], [None; 3]);
    }

    #[test]
    fn small_or_insignificant_difference_is_not_drift() {
        let small = Difference { psi: 0.02, ..OTHER };
        let insignificant = Difference {
            p_value: 0.002,
            ..OTHER
        };
        assert_eq!(changes(&[small; 4]), [None; 4]);
        assert_eq!(changes(&[insignificant; 4]), [None; 4]);
    }
}
