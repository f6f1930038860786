//! A gauge that counts living values.

use prometheus::IntGauge;

/// An amount that a gauge contains until the value is dropped.
pub struct Counted {
    gauge: IntGauge,
    amount: i64,
}

impl Counted {
    pub(super) fn new(gauge: &IntGauge, amount: usize) -> Self {
        let amount = i64::try_from(amount).unwrap_or(i64::MAX);
        gauge.add(amount);
        Self {
            gauge: gauge.clone(),
            amount,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.gauge.sub(self.amount);
    }
}
