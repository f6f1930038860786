//! `mien-train export`

use std::{io::Write, path::PathBuf, process::ExitCode};

use mien_faces::{report::Score, temperature};

use crate::{
    export::{self, Options, TemperatureFrom},
    onnx::{batch_norm_folding::BatchNormFolding, views::Views, weights::WeightFormat},
    report::{ModelReport, Temperature, TemperatureSource},
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run's folder.
    run: PathBuf,
    /// The model file to write, such as models/NAME/1/model.onnx. Report, card and plots are written to the same folder.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The data set whose test faces evaluate the model [default: the data set of the run].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Fit the temperature with the weights and held-out faces of this run. It must have the same network, data and
    /// recipe except for `holdout`. By default the run's own held-out faces are used; without any, the temperature is 1.
    #[arg(long, value_name = "RUN", conflicts_with = "temperature")]
    temperature_from: Option<PathBuf>,
    /// Temperature: the divisor of the logits before the softmax.
    #[arg(long, value_name = "NUMBER", value_parser = parse_temperature)]
    temperature: Option<f64>,
    /// Recompute the batch-norm statistics from 4,096 training faces without augmentation (Wu and Johnson 2021, section 3).
    /// The line "held out" of the output shows whether that helps.
    #[arg(long)]
    precise_bn: bool,
    /// Views of a face whose probabilities the file averages. `flip` adds the mirror image, which doubles the cost of a
    /// classification; the temperature is fitted on the average.
    #[arg(long, value_name = "VIEWS", default_value = "single")]
    views: Views,
    /// Element type of the stored weights. `fp16` halves the file of a wide network: ONNX Runtime converts the weights
    /// when it loads the file. The export fails if outputs change by more than 1e-3.
    #[arg(long, value_name = "TYPE", default_value = "fp32")]
    weights: WeightFormat,
    /// Export a run that has not finished all epochs.
    #[arg(long)]
    unfinished: bool,
    /// Do not fold batch normalisations into the preceding convolutions.
    #[arg(long)]
    no_fuse: bool,
}

fn parse_temperature(text: &str) -> Result<f64, String> {
    let (low, high) = (temperature::RANGE.start(), temperature::RANGE.end());
    let fits = |t: &f64| temperature::RANGE.contains(t);
    text.parse()
        .ok()
        .filter(fits)
        .ok_or_else(|| format!("a number from {low} to {high}"))
}

impl Args {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let temperature = match (self.temperature_from, self.temperature) {
            (Some(folder), _) => TemperatureFrom::Other(folder),
            (None, Some(value)) => TemperatureFrom::Given(value),
            (None, None) => TemperatureFrom::Run,
        };
        let batch_norm_folding = BatchNormFolding::unless(self.no_fuse);
        let options = Options {
            temperature,
            precise_bn: self.precise_bn,
            batch_norm_folding,
            views: self.views,
            weights: self.weights,
        };
        let data = self.data.as_deref();
        let found = export::from_run(&self.run, data, &self.out, self.unfinished, &options)?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "wrote {} with its report and card", self.out.display())?;
        show(&mut out, &found)?;
        if found.test.is_none() {
            writeln!(
                out,
                "the data set has no test faces, so the model has no accuracy"
            )?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn show(out: &mut impl Write, found: &ModelReport) -> anyhow::Result<()> {
    writeln!(
        out,
        "libtorch and ONNX Runtime differ by at most {:.1e}",
        found.parity
    )?;
    if let Some(rounding) = &found.rounding {
        writeln!(
            out,
            "float16 weights change outputs by at most {:.1e} and {} labels of {} faces",
            rounding.difference, rounding.labels_changed, rounding.faces
        )?;
    }
    writeln!(out, "{}", temperature_line(&found.temperature))?;
    if let Some(holdout) = &found.holdout {
        line(out, "held out", &holdout.score)?;
    }
    let Some(test) = &found.test else {
        return Ok(());
    };
    line(out, "test", &test.report.score)?;
    for (usage, score) in &test.report.splits {
        line(out, usage.name(), score)?;
    }
    if let Some(duplicates) = &test.duplicates {
        line(out, "test, not in train", &duplicates.without.score)?;
    }
    if let Some(tta) = &test.tta {
        line(
            out,
            &format!("test, {} views", tta.views),
            &tta.report.score,
        )?;
    }
    Ok(())
}

/// Returns the temperature and its source.
fn temperature_line(temperature: &Temperature) -> String {
    let value = temperature.value;
    match &temperature.source {
        TemperatureSource::NotFitted => {
            "temperature 1: the run has no held-out faces to fit it on (see --temperature-from)"
                .to_owned()
        }
        TemperatureSource::Holdout => {
            format!("temperature {value:.4}, fitted on the held-out faces")
        }
        TemperatureSource::HoldoutOf(run) => {
            format!("temperature {value:.4}, fitted on the held-out faces of {run}")
        }
        TemperatureSource::Given => format!("temperature {value}, set on the command line"),
    }
}

fn line(out: &mut impl Write, name: &str, score: &Score) -> anyhow::Result<()> {
    if let (Some(accuracy), Some([low, high])) = (score.accuracy, score.interval) {
        let [accuracy, low, high] = [accuracy, low, high].map(|x| x * 100.0);
        writeln!(
            out,
            "{name:<18} {:>5} faces  {accuracy:.2} % [{low:.2}, {high:.2}]",
            score.total
        )?;
    }
    Ok(())
}
