//! Compares the predictions of two devices for the same faces.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use csv::StringRecord;

/// The difference between the predictions of two devices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Comparison {
    /// Number of faces.
    pub(super) faces: usize,
    /// Number of faces with the same label.
    pub(super) equal_labels: usize,
    /// Largest difference of a probability.
    pub(super) max_difference: f64,
    /// Mean difference of all probabilities.
    pub(super) mean_difference: f64,
}

/// The prediction for a face.
struct Prediction {
    label: String,
    probabilities: Vec<f64>,
}

/// Compares two outputs of `mien classify --format csv`. The order of the rows does not matter.
///
/// # Errors
/// Returns an error if an output is not valid, contains a file that was not classified, or names other files or classes.
pub(super) fn compare(reference: &[u8], candidate: &[u8]) -> Result<Comparison> {
    let (classes, reference) = read(reference)?;
    let (other_classes, mut candidate) = read(candidate)?;
    ensure!(
        classes == other_classes,
        "the outputs have different classes: {classes:?} and {other_classes:?}"
    );
    ensure!(
        !reference.is_empty() && reference.len() == candidate.len(),
        "the outputs have {} and {} faces",
        reference.len(),
        candidate.len()
    );
    let (mut equal_labels, mut max, mut sum) = (0, 0.0_f64, 0.0);
    for (file, expected) in &reference {
        let actual = candidate
            .remove(file)
            .with_context(|| format!("only one output contains {file}"))?;
        equal_labels += usize::from(actual.label == expected.label);
        for (a, b) in expected.probabilities.iter().zip(&actual.probabilities) {
            let difference = (a - b).abs();
            max = max.max(difference);
            sum += difference;
        }
    }
    let faces = reference.len();
    Ok(Comparison {
        faces,
        equal_labels,
        max_difference: max,
        mean_difference: sum / (faces * classes.len()) as f64,
    })
}

/// Reads the classes, and the prediction of each file.
fn read(text: &[u8]) -> Result<(Vec<String>, BTreeMap<String, Prediction>)> {
    let mut reader = csv::Reader::from_reader(text);
    let header = reader.headers()?.clone();
    let column = |name: &str| {
        let position = header.iter().position(|column| column == name);
        position.with_context(|| format!("the output does not have the column `{name}`"))
    };
    let (file, label, error) = (column("file")?, column("label")?, column("error")?);
    let first = column("confidence")? + 1;
    ensure!(
        first < error,
        "the output does not have a column of a class"
    );
    let classes = (first..error).map(|index| header[index].to_owned());
    let mut predictions = BTreeMap::new();
    for row in reader.records() {
        let row = row?;
        let name = &row[file];
        ensure!(
            row[error].is_empty(),
            "{name} was not classified: {}",
            &row[error]
        );
        let prediction = Prediction {
            label: row[label].to_owned(),
            probabilities: (first..error)
                .map(|index| probability(&row, index))
                .collect::<Result<_>>()?,
        };
        let earlier = predictions.insert(name.to_owned(), prediction);
        ensure!(earlier.is_none(), "the output contains {name} twice");
    }
    Ok((classes.collect(), predictions))
}

fn probability(row: &StringRecord, index: usize) -> Result<f64> {
    let text = &row[index];
    let value: f64 = text
        .parse()
        .with_context(|| format!("`{text}` is not a number"))?;
    ensure!(value.is_finite(), "the probability {value} is not finite");
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "file,label,confidence,happy,sad,error,model,version\n";

    fn output(rows: &[&str]) -> Vec<u8> {
        format!("{HEADER}{}\n", rows.join("\n")).into_bytes()
    }

    fn error(reference: &[&str], candidate: &[&str]) -> String {
        let compared = compare(&output(reference), &output(candidate));
        compared.unwrap_err().to_string()
    }

    const A: &str = "a.png,happy,0.75,0.75,0.25,,m,1";
    const B: &str = "b.png,sad,0.5,0.5,0.5,,m,1";

    #[test]
    fn differences_are_measured_per_file() {
        let other = ["b.png,happy,0.625,0.625,0.375,,m,1", A];
        let found = compare(&output(&[A, B]), &output(&other)).unwrap();
        let expected = Comparison {
            faces: 2,
            equal_labels: 1,
            max_difference: 0.125,
            mean_difference: 0.0625,
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn outputs_with_different_files_are_rejected() {
        assert!(error(&[A, B], &[A]).contains("2 and 1 faces"));
        let other = "c.png,sad,0.5,0.5,0.5,,m,1";
        assert!(error(&[A, B], &[A, other]).contains("b.png"));
        assert!(error(&[A, A], &[A, B]).contains("a.png twice"));
    }

    #[test]
    fn unclassified_file_and_invalid_numbers_are_rejected() {
        let unreadable = "a.png,,,,,not an image,,";
        assert!(error(&[unreadable], &[A]).contains("not an image"));
        assert!(error(&["a.png,happy,x,x,0.2,,m,1"], &[A]).contains("`x` is not a number"));
        assert!(error(&["a.png,happy,NaN,NaN,0.2,,m,1"], &[A]).contains("not finite"));
        assert!(compare(b"file,label\n", b"file,label\n").is_err());
    }
}
