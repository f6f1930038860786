//! Renders the card of an INT8 file.

use mien_faces::report::format::{percent, points};

use super::{Paired, QuantizationReport};
use crate::{
    plot,
    report::{JSON, card::Card, tables},
};

/// Returns the card: the float file, the calibration, the comparison and the reproduction.
pub fn card(report: &QuantizationReport) -> String {
    let test = report.test.as_ref();
    let card = Card {
        name: &report.architecture,
        title: format!("{}, INT8", report.architecture),
        model_details: format!(
            "This is an INT8 version of another model file. Convolutions compute with uint8 activations and int8 weights. \
             Inputs, outputs, labels and temperature are those of the float file.\n\n{}",
            files(report)
        ),
        test: test.map(|test| (&test.report, Some(&test.duplicates))),
        training_data: calibration(report),
        quantitative_analyses: quantitative_analyses(report),
        reproduction: reproduction(report),
    };
    card.render()
}

fn quantitative_analyses(report: &QuantizationReport) -> String {
    let mut text = comparison(report);
    if let Some(test) = &report.test {
        text += &format!("\n{}", tables::ACCURACY_HEADER);
        text += &tables::row("held-out training faces", &report.holdout.int8.score);
        text += &tables::splits("", &test.report);
        let without = &test.duplicates.without;
        text += &tables::splits(tables::WITHOUT_DUPLICATES, without);
        text += "\nIntervals are Wilson score intervals.\n";
        text += &format!("\n{}", tables::classes(&test.report));
        text += &format!("\n![confusion]({})\n", plot::CONFUSION);
    }
    text + &format!("\n[`{JSON}`]({JSON}) has all figures.\n")
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
        "`DIR` contains `train/<class>/` and `test/<class>/`, or `fer2013.csv`. The measured ranges depend on the \
         processor in the last digits.\n\n```sh\n\
         cargo xtask train quantize {} --data DIR --calibration-faces {} --out model.onnx\n```\n",
        path.display(),
        report.calibration_faces
    )
}
