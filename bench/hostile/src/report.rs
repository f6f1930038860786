//! Prints the outcomes as a table.
#![expect(
    clippy::print_stdout,
    reason = "the table is the output of the program"
)]

use crate::{attack::Attack, trial::Outcome};

/// Prints the names and descriptions of the attacks.
pub(crate) fn print_names(attacks: &[Attack]) {
    for attack in attacks {
        println!("{:<24} {}", attack.name, attack.about);
    }
}

/// Prints the head of the table.
pub(crate) fn print_header() {
    println!(
        "{:<24} {:>12} {:>14} {:>16}  result",
        "attack", "growth, MiB", "retained, MiB", "max latency, ms"
    );
}

/// Prints the row of an attack and the bounds that the server broke.
pub(crate) fn print_row(attack: &Attack, outcome: &Outcome) {
    let result = if outcome.violations.is_empty() {
        "ok"
    } else {
        "FAILED"
    };
    println!(
        "{:<24} {:>12} {:>14} {:>16}  {result}",
        attack.name,
        outcome.growth >> 20,
        outcome.retained >> 20,
        outcome.max_latency.as_millis()
    );
    for violation in &outcome.violations {
        println!("  {violation}");
    }
}
