//! Renders `report.md` with all figures and the model card `README.md`.

use super::{ModelReport, card::Card, tables};
use crate::{
    onnx::{views::Views, weights::WeightFormat},
    plot,
    train::progress::format_hms,
};

/// Returns the text of `report.md`.
pub fn report(report: &ModelReport) -> String {
    let mut text = format!(
        "# {}: report\n\nExported {} from the run `{}`; SHA-256 of `model.onnx` `{}`.\n",
        report.architecture, report.created, report.training.run, report.sha256
    );
    text += &format!(
        "\n## Accuracy\n\n{}\n{PROTOCOL} {}\n",
        tables::accuracies(report),
        views(report)
    );
    text += &format!(
        "\n## Calibration\n\nTemperature {}. ECE: expected calibration error over 15 bins.\n\n{}",
        tables::temperature(report),
        tables::calibration(report)
    );
    if let Some(test) = &report.test {
        text += &format!("\n## Classes\n\n{}", tables::classes(&test.report));
        text += &format!(
            "\n## Confusion matrix\n\n![confusion]({})\n\n{}",
            plot::CONFUSION,
            tables::confusion(test)
        );
    }
    text += &duplicates(report);
    text += &format!(
        "\n## Training\n\n![curves]({})\n\n{}",
        plot::CURVES,
        training(report)
    );
    text + &format!(
        "\n## Export\n\nlibtorch and ONNX Runtime differ by at most {:.1e} on real faces at batch sizes 1, 3 and 64.\n\
         Stored weights: {}.\n{}\n",
        report.parity,
        weights(report),
        speed(report)
    )
}

/// Returns the model card.
pub fn card(report: &ModelReport) -> String {
    let test = report.test.as_ref();
    let card = Card {
        name: &report.architecture,
        title: report.architecture.clone(),
        model_details: model_details(report),
        test: test.map(|test| (&test.report, test.duplicates.as_ref())),
        training_data: training(report),
        quantitative_analyses: quantitative_analyses(report),
        reproduction: reproduction(report),
    };
    card.render()
}

fn model_details(report: &ModelReport) -> String {
    format!(
        "This network classifies the expression of 48 x 48 grayscale faces into seven classes. It was trained on FER2013.\n\n\
         | | |\n|---|---|\n| parameters | {} ({} trainable) |\n| views per face | {} |\n| multiply-adds per face | {} |\n\
         | stored weights | {} |\n| SHA-256 of `model.onnx` | `{}` |\n| temperature | {} |\n| speed | {} |\n",
        report.parameters,
        report.trainable,
        report.views.count(),
        report.multiply_adds * report.views.count() as u64,
        weights(report),
        report.sha256,
        tables::temperature(report),
        speed(report)
    )
}

fn quantitative_analyses(report: &ModelReport) -> String {
    let mut text = format!(
        "{}\n{PROTOCOL} {}\n",
        tables::accuracies(report),
        views(report)
    );
    if let Some(test) = &report.test {
        text += &format!("\n{}", tables::classes(&test.report));
    }
    text += &format!("\n{}", tables::calibration(report));
    if report.test.is_some() {
        text += &format!("\n![confusion]({})\n", plot::CONFUSION);
    }
    text + &format!(
        "\n[`report.md`](report.md) and [`{}`]({0}) have all figures.\n",
        super::JSON
    )
}

const PROTOCOL: &str = "Intervals are Wilson score intervals. The finished file was evaluated on the test faces with ONNX Runtime. \
                        No epoch, temperature or export option was chosen on them.";

/// Returns a sentence about the views that the file averages.
fn views(report: &ModelReport) -> &'static str {
    match report.views {
        Views::Single => "The file uses one view of each face.",
        Views::Flip => {
            "The file averages the probabilities of two views, the face and its mirror image. All figures are those of the average."
        }
    }
}

/// Describes the element type of the stored weights and the effect of rounding.
fn weights(report: &ModelReport) -> String {
    let name = report.weights.name();
    report.rounding.map_or_else(
        || name.to_owned(),
        |rounding| {
            format!(
                "{name}, converted to float32 when the file is loaded; outputs differ by at most {:.1e} from those of \
                 float32 weights, and {} labels of {} faces differ",
                rounding.difference, rounding.labels_changed, rounding.faces
            )
        },
    )
}

fn training(report: &ModelReport) -> String {
    let training = &report.training;
    let mut text = "| | |\n|---|---|\n".to_owned();
    text += &format!(
        "| training faces | {}; {} more were held out |\n| SHA-256 of the training faces | `{}` |\n",
        training.faces, training.held_out, training.data_sha256
    );
    text += &format!(
        "| recipe | [`recipe.toml`](recipe.toml), seed {} |\n| epochs | {} of {}; [`history.csv`](history.csv) has the metrics of each |\n",
        report.recipe.seed, training.epochs, report.recipe.epochs
    );
    text += &format!(
        "| training time | {} (h:mm:ss) |\n",
        format_hms(training.seconds)
    );
    if let Some(init) = &training.init {
        text += &format!(
            "| initial weights | the averaged weights of `{}`; SHA-256 of its checkpoint: `{}` |\n",
            init.path.display(),
            init.sha256
        );
    }
    if let Some(faces) = report.precise_bn_faces {
        text += &format!(
            "| batch-norm statistics | recomputed at export from {faces} training faces without augmentation |\n"
        );
    }
    let environments = training.environments.iter().map(|environment| {
        format!(
            "{}, {} cores, {} with {} threads, {}",
            environment.machine.cpu,
            environment.machine.cores,
            environment.device,
            environment.threads,
            environment.precision
        )
    });
    let environments: Vec<String> = environments.collect();
    let environments = if environments.is_empty() {
        "not recorded".to_owned()
    } else {
        environments.join("; then ")
    };
    text + &format!("| machine | {environments} |\n")
}

fn duplicates(report: &ModelReport) -> String {
    let Some(test) = &report.test else {
        return String::new();
    };
    let Some(found) = &test.duplicates else {
        return "\n## Duplicates\n\nNot counted, because the training faces of the run were not available.\n"
            .to_owned();
    };
    let counts = found.counts;
    format!(
        "\n## Duplicates\n\nTwo faces are duplicates if all their pixels are equal.\n\n| | faces |\n|---|---|\n\
         | test faces that are also in train | {} |\n| of these, with another label than every copy in train | {} |\n\
         | train faces that are also in test | {} |\n| train faces that repeat an earlier one | {} |\n\
         | test faces that repeat an earlier one | {} |\n",
        counts.test_in_train,
        counts.test_in_train_other_label,
        counts.train_in_test,
        counts.within_train,
        counts.within_test
    )
}

fn speed(report: &ModelReport) -> String {
    let speed = &report.speed;
    format!(
        "{:.2} ms per face: median of {} runs, batch size 1, one thread of ONNX Runtime, {}",
        speed.milliseconds, speed.runs, speed.machine.cpu
    )
}

fn reproduction(report: &ModelReport) -> String {
    let threads = report
        .training
        .environments
        .first()
        .map_or(String::new(), |w| format!(" --threads {}", w.threads));
    let (arch, run) = (&report.architecture, &report.training.run);
    let temperature = match &report.temperature.source {
        super::TemperatureSource::HoldoutOf(run) => format!(" --temperature-from runs/{run}"),
        super::TemperatureSource::Given => format!(" --temperature {}", report.temperature.value),
        super::TemperatureSource::Holdout | super::TemperatureSource::NotFitted => String::new(),
    };
    let init = match &report.training.init {
        Some(init) => format!(", given the initial weights of `{}`", init.path.display()),
        None => String::new(),
    };
    let precise_bn = if report.precise_bn_faces.is_some() {
        " --precise-bn"
    } else {
        ""
    };
    let views = match report.views {
        Views::Single => "",
        Views::Flip => " --views flip",
    };
    let weights = match report.weights {
        WeightFormat::Float32 => "",
        WeightFormat::Float16 => " --weights fp16",
    };
    let unfinished = if report.training.epochs < report.recipe.epochs {
        " --unfinished"
    } else {
        ""
    };
    format!(
        "`DIR` contains `train/<class>/` and `test/<class>/`, or `fer2013.csv`. The same seed, number of threads and \
         kind of processor give the same weights{init}.\n\n```sh\n\
         cargo xtask train train --arch {arch} --data DIR --recipe recipe.toml --out runs/{run}{threads}\n\
         cargo xtask train export runs/{run} --out model.onnx{precise_bn}{views}{weights}{temperature}{unfinished}\n```\n\n\
         To verify the file, compare its hash and evaluate it:\n\n```sh\n\
         sha256sum model.onnx\nmien evaluate --data DIR --model NAME --models MODELS\n```\n"
    )
}
