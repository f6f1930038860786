//! Model cards: a machine-readable header and the sections of Mitchell et al. 2019, "Model Cards for Model Reporting", section 4, in
//! their order. The texts about use and limits are the same for all models that are trained on FER2013.

mod front_matter;

use mien_faces::report::Report;

use super::{DuplicateReport, tables};

/// A line of generated cards. A card without this line is not replaced.
pub const CARD_MARK: &str = "<!-- written by mien-train -->";

const INTENDED_USE: &str = "\
Research on facial expressions, annotation of images with a person who checks the labels, and interfaces that react to a visible \
expression of people who have agreed.

Do not use the model for these purposes:

- monitoring of employees, pupils or students;
- hiring and exams;
- detection of lies, and decisions of police, courts or borders;
- credit and insurance;
- diagnosis;
- identification of people;
- any decision about a person that relies on a label.

[Responsible use](../../../docs/responsible-use.md) has the full list, the law and a template for an impact assessment.
";

const FACTORS: &str = "\
- *Groups of people.* FER2013 does not contain ages, genders, origins or skin tones. The accuracy per group is not known.
- *Expressions.* The recall differs between expressions. The quantitative analyses list each of them.
- *Images.* The input of the network has 48 x 48 gray levels. Glasses, masks, beards, side views, blur and poor light lower the accuracy.
";

const METRICS: &str = "\
Accuracy with its Wilson score interval (95 %), precision, recall and F1 per expression, expected calibration error (ECE) over 15 bins of \
confidence, and log-loss in nats.
";

const ETHICAL_CONSIDERATIONS: &str = "\
A label describes the expression that a face shows, not what the person feels. There is no scientific consensus that a facial expression \
reveals a feeling ([Barrett et al. 2019](https://doi.org/10.1177/1529100619832930)). The photos of FER2013 are results of web searches. The \
data set does not record whether the people in them agreed. The accuracy for children is not known.
";

const CAVEATS: &str = "\
- The photos of FER2013 are results of web searches, and most expressions are posed. Mild and spontaneous expressions are rare in the \
training data. Expressions outside of the seven classes get one of the seven labels.
- Annotators disagree about many faces of FER2013, so its labels contain errors.
- Few faces show disgust. The interval of its recall is wide.
- Measure the accuracy on your own labelled images before you use the model, and again after each change of the camera or the crop \
([Measurement before use](../../../docs/responsible-use.md#measurement-before-use)).
";

/// The parts of a card that depend on the model.
pub(super) struct Card<'a> {
    /// Name of the network.
    pub(super) name: &'a str,
    /// Heading of the card.
    pub(super) title: String,
    /// Markdown of the section with this name; ends with a line feed, like the following ones.
    pub(super) model_details: String,
    /// The report on the test faces, if the data set has some, and their duplicates, if they were counted.
    pub(super) test: Option<(&'a Report, Option<&'a DuplicateReport>)>,
    pub(super) training_data: String,
    pub(super) quantitative_analyses: String,
    /// Commands that produce the file.
    pub(super) reproduction: String,
}

impl Card<'_> {
    /// Returns the text of the card.
    pub(super) fn render(&self) -> String {
        let test = self.test.map(|(report, _)| report);
        let mut text = front_matter::render(self.name, test);
        text += &format!("{CARD_MARK}\n# {}\n", self.title);
        for (heading, section) in [
            ("Model details", self.model_details.as_str()),
            ("Intended use", INTENDED_USE),
            ("Factors", FACTORS),
            ("Metrics", METRICS),
            ("Evaluation data", &self.evaluation_data()),
            ("Training data", &self.training_data),
            ("Quantitative analyses", &self.quantitative_analyses),
            ("Ethical considerations", ETHICAL_CONSIDERATIONS),
            ("Caveats and recommendations", CAVEATS),
            ("Reproduction", &self.reproduction),
        ] {
            text += &format!("\n## {heading}\n\n{section}");
        }
        text
    }

    fn evaluation_data(&self) -> String {
        let Some((report, duplicates)) = self.test else {
            return "The model was not evaluated, because the data set has no test faces.\n"
                .to_owned();
        };
        let mut text = format!("The {} test faces of FER2013", report.score.total);
        let splits = report.splits.iter();
        let splits: Vec<String> = splits
            .map(|(usage, score)| format!("{} of {}", score.total, usage.name()))
            .collect();
        if !splits.is_empty() {
            text += &format!(": {}", splits.join(" and "));
        }
        text += ". ";
        text + &match duplicates {
            Some(found) => format!(
                "{} of them are also training faces. The rows \"{}\" do not count these.\n",
                found.counts.test_in_train,
                tables::WITHOUT_DUPLICATES.trim_start_matches(", ")
            ),
            None => "Duplicates of training faces were not counted.\n".to_owned(),
        }
    }
}
