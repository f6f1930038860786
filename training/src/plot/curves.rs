//! Selects the lines that are plotted for one run or for several runs.

use super::{
    canvas::PALETTE,
    figure::{Figure, Line, Panel},
};
use crate::train::run::history::EpochRow;

/// Returns loss, accuracy and learning rate of one run.
pub(super) fn of_run(network: &str, rows: &[EpochRow]) -> Figure {
    let [blue, vermilion, green, ..] = PALETTE;
    let line = |name: &str, color, value: &dyn Fn(&EpochRow) -> Option<f64>| Line {
        name: name.to_owned(),
        color,
        points: points(rows, value),
    };
    let (train, held) = (
        "train (augmented, smoothed labels)",
        "held out (averaged weights)",
    );
    let panel = |title: &str, axis, lines| Panel {
        title: title.to_owned(),
        axis,
        lines,
        phases: phases(rows),
    };
    let panels = vec![
        panel(
            "Loss",
            "nats per face",
            vec![
                line(train, blue, &|row| Some(row.train_loss)),
                line(held, vermilion, &|row| row.holdout_loss),
            ],
        ),
        panel(
            "Accuracy",
            "% of the faces",
            vec![
                line("train (augmented)", blue, &|row| {
                    Some(100.0 * row.train_accuracy)
                }),
                line(held, vermilion, &|row| Some(100.0 * row.holdout_accuracy?)),
            ],
        ),
        panel(
            "Learning rate",
            "at the epoch's last step",
            vec![line("learning rate", green, &|row| Some(row.learning_rate))],
        ),
    ];
    Figure {
        title: network.to_owned(),
        subtitle: summary(rows),
        panels,
    }
}

/// Returns losses and accuracies of several runs with one colour per run. After the seventh run the colours repeat.
pub(super) fn of_runs(runs: &[(String, Vec<EpochRow>)]) -> Figure {
    let panel = |title: &str, axis, value: &dyn Fn(&EpochRow) -> Option<f64>| {
        let line = |(index, (name, rows)): (usize, &(String, Vec<EpochRow>))| Line {
            name: name.clone(),
            color: PALETTE[index % PALETTE.len()],
            points: points(rows, value),
        };
        let lines = runs.iter().enumerate().map(line).collect();
        Panel {
            title: title.to_owned(),
            axis,
            lines,
            phases: Vec::new(),
        }
    };
    let panels = vec![
        panel("Held-out accuracy", "% of the faces", &|row| {
            Some(100.0 * row.holdout_accuracy?)
        }),
        panel("Held-out loss", "nats per face", &|row| row.holdout_loss),
        panel("Training accuracy", "% of the faces", &|row| {
            Some(100.0 * row.train_accuracy)
        }),
        panel("Training loss", "nats per face", &|row| {
            Some(row.train_loss)
        }),
    ];
    let subtitle = "held-out faces at the size of the epoch, training faces augmented".to_owned();
    Figure {
        title: format!("{} runs", runs.len()),
        subtitle,
        panels,
    }
}

fn points(rows: &[EpochRow], value: &dyn Fn(&EpochRow) -> Option<f64>) -> Vec<(f64, f64)> {
    rows.iter()
        .filter_map(|row| Some((row.epoch as f64, value(row)?)))
        .collect()
}

/// Returns the epochs at which the size of the faces changes, with the new size.
fn phases(rows: &[EpochRow]) -> Vec<(usize, String)> {
    let changes = rows
        .chunk_by(|a, b| a.side == b.side)
        .filter_map(<[EpochRow]>::first);
    changes
        .map(|row| (row.epoch, format!("{} px", row.side)))
        .collect()
}

/// Returns the metrics of the last epoch as text.
fn summary(rows: &[EpochRow]) -> String {
    let Some(last) = rows.last() else {
        return "no epoch yet".to_owned();
    };
    let held = last.holdout_accuracy.map_or(String::new(), |accuracy| {
        format!(", held-out accuracy {:.2} %", 100.0 * accuracy)
    });
    let (loss, accuracy) = (last.train_loss, 100.0 * last.train_accuracy);
    format!(
        "after epoch {}: training loss {loss:.3}, training accuracy {accuracy:.1} %{held}",
        last.epoch
    )
}
