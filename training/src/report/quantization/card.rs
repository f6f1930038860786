//! Renders the card of an INT8 file.

use mien_faces::report::format::{percent, points};

use super::{Paired, QuantizationReport};
use crate::{
    plot,
    report::{CARD_MARK, JSON, tables},
};

/// Returns the card: the float file, the calibration, the comparison and the reproduction.
pub fn card(report: &QuantizationReport) -> String {
    let mut text = format!(
        "{CARD_MARK}\n# {}, INT8\n\nThis is an INT8 version of another model file. \
         Convolutions compute with uint8 activations and int8 weights. Inputs, outputs, labels and temperature are those of the float file. \
         A label describes what a face shows, not what a person feels.\n\n",
        report.architecture
    );
    text += &files(report);
    text += &format!("\n## Calibration\n\n{}", calibration(report));
    text += &format!(
        "\n## Comparison with the float file\n\n{}",
        comparison(report)
    );
    if let Some(test) = &report.test {
        text += &format!("\n## Accuracy\n\n{}", tables::ACCURACY_HEADER);
        text += &tables::row("held-out training faces", &report.holdout.int8.score);
        text += &tables::splits("", &test.report);
        let without = &test.duplicates.without;
        text += &tables::splits(tables::WITHOUT_DUPLICATES, without);
        text += "\nIntervals are Wilson score intervals.\n";
        text += &format!("\n{}", tables::classes(&test.report));
        text += &format!("\n![confusion]({})\n", plot::CONFUSION);
    }
    text + &format!(
        "\n[`{JSON}`]({JSON}) has all figures.\n{}",
        reproduction(report)
    )
}

fn files(report: &QuantizationReport) -> String {
    let (float, int8) = (&report.float, &report.int8);
    let path = float.path.as_deref().unwrap_or("model.onnx".as_ref());
    let speed = &int8.speed;
    format!(
        "| | float file | INT8 file |\n|---|---|---|\n\
         | file | `{}` | `model.onnx` |\n\
         | SHA-256 | `{}` | `{}` |\n\
         | bytes | {} | {} |\n\
         | ms per face | {:.2} | {:.2} |\n\n\
         Speed: median of {} runs by turns, batch size 1, one thread of ONNX Runtime, {}.\n",
        path.display(),
        float.sha256,
        int8.sha256,
        float.bytes,
        int8.bytes,
        float.speed.milliseconds,
        speed.milliseconds,
        speed.runs,
        speed.machine.cpu
    )
}

fn calibration(report: &QuantizationReport) -> String {
    let mut text = format!(
        "The ranges of the activations were measured on {} training faces that the network was trained on. \
         The method with the lowest log-loss on the {} held-out training faces was selected: {}. \
         The SHA-256 of the training split is `{}`.\n\n| method | log-loss on the held-out faces |\n|---|---|\n",
        report.calibration_faces, report.holdout.faces, report.method, report.data_sha256
    );
    for method in &report.methods {
        text += &format!("| {} | {:.4} |\n", method.method, method.log_loss);
    }
    text
}

fn comparison(report: &QuantizationReport) -> String {
    let mut text = "| faces | count | accuracy, float | accuracy, INT8 | difference, points | 95 % interval | labels changed \
                    | log-loss, float | log-loss, INT8 |\n|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    text += &row("held-out training faces", &report.holdout);
    if let Some(test) = &report.test {
        text += &row("test", &test.paired);
    }
    text += &format!(
        "\nThe interval is that of the difference for paired faces (Newcombe 1998, method 10). The log-loss on the held-out faces may \
         increase by at most {} nats. No choice was made on the test faces.",
        report.max_loss
    );
    if let Some(files) = report.judged_files {
        text += &format!(
            " The finished file was evaluated on them once. {files} files of this network in this models folder were evaluated on them, \
             with this one."
        );
    }
    text + "\n"
}

fn row(name: &str, paired: &Paired) -> String {
    let [low, high] = paired.difference_interval.map(|end| points(end, 2));
    format!(
        "| {name} | {} | {} | {} | {} | {low} to {high} | {} | {} | {} |\n",
        paired.faces,
        percent(paired.float.score.accuracy, 2),
        percent(paired.int8.score.accuracy, 2),
        points(paired.difference, 2),
        paired.labels_changed,
        tables::loss(paired.float.log_loss),
        tables::loss(paired.int8.log_loss),
    )
}

fn reproduction(report: &QuantizationReport) -> String {
    let path = report
        .float
        .path
        .as_deref()
        .unwrap_or("model.onnx".as_ref());
    format!(
        "\n## Reproduction\n\n`DIR` contains `train/<class>/` and `test/<class>/`, or `fer2013.csv`. The measured ranges depend on the \
         processor in the last digits.\n\n```sh\n\
         cargo xtask train quantize {} --data DIR --calibration-faces {} --out model.onnx\n```\n",
        path.display(),
        report.calibration_faces
    )
}
