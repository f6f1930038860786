//! A report as Markdown: `report.md` with every figure, and the model's card, `README.md`.

use super::{ModelReport, tables};
use crate::{
    onnx::{views::Views, weights::WeightFormat},
    plot,
    train::progress::format_hms,
};

/// First line of a card that this program wrote, and may therefore replace.
pub const CARD_MARK: &str = "<!-- written by mien-train export -->";

/// Every figure of a model.
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
            "\n## Confusion\n\n![confusion]({})\n\n{}",
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
        "\n## Export\n\nlibtorch and ONNX Runtime differ by at most {:.1e} on real faces at batch 1, 3 and 64.\n\
         Stored weights: {}.\n{}\n",
        report.parity,
        weights(report),
        speed(report)
    )
}

/// The card of a model: what it is, how good it is, how to make and check it again.
pub fn card(report: &ModelReport) -> String {
    let mut text = format!("{CARD_MARK}\n# {}\n\n", report.architecture);
    text += "A classifier of facial expressions on 48x48 gray faces in seven classes, trained on FER2013.\n\n";
    text += &format!(
        "| | |\n|---|---|\n| parameters | {} ({} trainable) |\n| views of a face | {} |\n| multiply-adds per face | {} |\n| stored weights | {} |\n| SHA-256 of `model.onnx` | `{}` |\n",
        report.parameters,
        report.trainable,
        report.views.count(),
        report.multiply_adds * report.views.count() as u64,
        weights(report),
        report.sha256
    );
    text += &format!(
        "| temperature | {} |\n| speed | {} |\n",
        tables::temperature(report),
        speed(report)
    );
    text += &format!("\n## Training\n\n{}", training(report));
    text += &format!(
        "\n## Accuracy\n\n{}\n{PROTOCOL} {}\n",
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
    text += &format!(
        "\nEvery figure: [`report.md`](report.md), [`{}`]({0}).\n",
        super::JSON
    );
    text + &again(report)
}

const PROTOCOL: &str = "Intervals are Wilson's. Test faces judged the finished file by ONNX Runtime; nothing was chosen on them.";

/// What the figures of a file and its own answers are averaged over.
fn views(report: &ModelReport) -> &'static str {
    match report.views {
        Views::Single => "The file sees one view of a face.",
        Views::Flip => {
            "The file averages the probabilities of two views, the face and its mirror image; every figure includes that."
        }
    }
}

/// How weights are stored, and what rounding them changed.
fn weights(report: &ModelReport) -> String {
    let name = report.weights.name();
    report.rounding.map_or_else(
        || name.to_owned(),
        |rounding| {
            format!(
                "{name}, computed with as float32; outputs differ by at most {:.1e} from those of float32 weights, \
                 and {} labels of {} faces",
                rounding.difference, rounding.labels_changed, rounding.faces
            )
        },
    )
}

fn training(report: &ModelReport) -> String {
    let training = &report.training;
    let mut text = "| | |\n|---|---|\n".to_owned();
    text += &format!(
        "| faces | {} of train, {} more held out |\n| SHA-256 of train | `{}` |\n",
        training.faces, training.held_out, training.data_sha256
    );
    text += &format!(
        "| recipe | [`recipe.toml`](recipe.toml), seed {} |\n| epochs | {} of {}, one by one in [`history.csv`](history.csv) |\n",
        report.recipe.seed, training.epochs, report.recipe.epochs
    );
    text += &format!(
        "| training time | {} (h:mm:ss) |\n",
        format_hms(training.seconds)
    );
    if let Some(init) = &training.init {
        text += &format!(
            "| began with | the averaged weights of `{}`, whose checkpoint has the SHA-256 `{}` |\n",
            init.path.display(),
            init.sha256
        );
    }
    if let Some(faces) = report.precise_bn_faces {
        text += &format!(
            "| batch-norm statistics | taken anew at export, from {faces} of these faces as they are |\n"
        );
    }
    let places = training.environments.iter().map(|place| {
        format!(
            "{}, {} cores, {} with {} threads, {}",
            place.machine.cpu, place.machine.cores, place.device, place.threads, place.precision
        )
    });
    let places: Vec<String> = places.collect();
    let places = if places.is_empty() {
        "not noted".to_owned()
    } else {
        places.join("; then ")
    };
    text + &format!("| machine | {places} |\n")
}

fn duplicates(report: &ModelReport) -> String {
    let Some(test) = &report.test else {
        return String::new();
    };
    let Some(found) = &test.duplicates else {
        return "\n## Duplicates\n\nNot counted: the training faces of the run were not at hand.\n"
            .to_owned();
    };
    let counts = found.counts;
    format!(
        "\n## Duplicates\n\nFaces that are equal in every pixel.\n\n| | faces |\n|---|---|\n\
         | test faces that also lie in train | {} |\n| of these, with another label than every copy in train | {} |\n\
         | train faces that also lie in test | {} |\n| train faces that repeat an earlier one | {} |\n\
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
        "{:.2} ms a face: median of {} runs at batch 1, one thread of ONNX Runtime on {}",
        speed.milliseconds, speed.runs, speed.machine.cpu
    )
}

fn again(report: &ModelReport) -> String {
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
    let begun = match &report.training.init {
        Some(init) => format!(", begun with `{}`", init.path.display()),
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
        "\n## Again\n\n`DIR` holds `train/<class>/` and `test/<class>/`, or `fer2013.csv`. The same seed, number of threads and \
         kind of processor give the same weights{begun}.\n\n```sh\n\
         cargo xtask train train --arch {arch} --data DIR --recipe recipe.toml --out runs/{run}{threads}\n\
         cargo xtask train export runs/{run} --out model.onnx{precise_bn}{views}{weights}{temperature}{unfinished}\n```\n\n\
         To check this file: its hash, and its accuracy by the server's own code.\n\n```sh\n\
         sha256sum model.onnx\nmien evaluate --data DIR --model NAME --models MODELS\n```\n"
    )
}
