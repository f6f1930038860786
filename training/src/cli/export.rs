//! `mien-train export`

use std::{io::Write, path::PathBuf, process::ExitCode};

use mien_faces::{report::Score, temperature};

use crate::{
    export::{self, Options, TemperatureFrom},
    onnx::{fuse::Fusing, views::Views, weights::WeightFormat},
    report::{ModelReport, TemperatureSource},
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run's folder.
    run: PathBuf,
    /// The model file to write, such as models/NAME/1/model.onnx; report, card and pictures are written beside it.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The data set whose test faces judge the model, where it is not the run's own.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Fit the temperature on the faces that this run held out, by its weights: a run with the same network, data and
    /// recipe but for `holdout`. Without it on the run's own held-out faces; without those it is 1.
    #[arg(long, value_name = "RUN", conflicts_with = "temperature")]
    temperature_from: Option<PathBuf>,
    /// Divide logits by this number before the softmax.
    #[arg(long, value_name = "NUMBER", value_parser = allowed)]
    temperature: Option<f64>,
    /// Recompute the batch-norm statistics from 4,096 training faces without augmentation (Wu and Johnson 2021, section 3).
    /// The row "held out" of the output shows whether that helps.
    #[arg(long)]
    precise_bn: bool,
    /// Views of a face whose probabilities the file averages. `flip` adds the mirror image, which doubles the cost of a
    /// classification; the temperature is fitted on the average.
    #[arg(long, value_name = "VIEWS", default_value = "single")]
    views: Views,
    /// Element type of the stored weights. `fp16` halves the file of a wide network: ONNX Runtime converts the weights
    /// when it loads the file. It is refused if outputs change by more than 1e-3.
    #[arg(long, value_name = "TYPE", default_value = "fp32")]
    weights: WeightFormat,
    /// Export a run whose epochs are not all done.
    #[arg(long)]
    unfinished: bool,
    /// Keep every batch normalisation instead of folding it into the convolution before it.
    #[arg(long)]
    no_fuse: bool,
}

fn allowed(text: &str) -> Result<f64, String> {
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
        let fusing = Fusing::unless(self.no_fuse);
        let options = Options {
            temperature,
            precise_bn: self.precise_bn,
            fusing,
            views: self.views,
            weights: self.weights,
        };
        let data = self.data.as_deref();
        let found = export::from_run(&self.run, data, &self.out, self.unfinished, &options)?;
        let mut out = std::io::stdout().lock();
        writeln!(
            out,
            "wrote {}, with its report and card beside it",
            self.out.display()
        )?;
        show(&mut out, &found)?;
        if found.test.is_none() {
            writeln!(
                out,
                "the data set has no test faces: the model records no accuracy"
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
    let value = found.temperature.value;
    match &found.temperature.source {
        TemperatureSource::NotFitted => writeln!(
            out,
            "temperature 1: no faces were held out to fit one (--temperature-from names a run that did)"
        )?,
        TemperatureSource::Holdout => {
            writeln!(out, "temperature {value:.4} of the held-out faces")?
        }
        TemperatureSource::HoldoutOf(run) => {
            writeln!(
                out,
                "temperature {value:.4} of the faces that {run} held out"
            )?;
        }
        TemperatureSource::Given => writeln!(out, "temperature {value} as given")?,
    }
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
