//! JSON lines, and one JSON document.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use mien_faces::image::BoundingBox;
use serde::{Deserialize, Serialize};

use super::Schema;
use crate::{
    cli::classify::{
        inputs::Frame,
        result::{FileResult, ModelId, Row},
    },
    inference::Probabilities,
};

/// A row as JSON. Fields without a value are missing.
#[derive(Serialize)]
struct Line<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    frame: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    track: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    face: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    faces: Option<usize>,
    #[serde(rename = "box", skip_serializing_if = "Option::is_none")]
    face_box: Option<BoundingBox>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f32>,
    #[serde(flatten)]
    prediction: Option<Prediction<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    smoothed: Option<Prediction<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(flatten)]
    model: Option<&'a ModelId>,
}

#[derive(Serialize)]
struct Prediction<'a> {
    label: &'a str,
    confidence: f32,
    probabilities: BTreeMap<&'a str, f32>,
}

/// The fields of a line that identify its file.
#[derive(Debug, Deserialize)]
pub(in crate::cli::classify) struct StoredLine {
    pub(in crate::cli::classify) file: String,
    pub(in crate::cli::classify) face: Option<usize>,
    pub(in crate::cli::classify) faces: Option<usize>,
    pub(in crate::cli::classify) error: Option<String>,
    #[serde(flatten)]
    pub(in crate::cli::classify) model: Option<ModelId>,
}

impl<'a> Prediction<'a> {
    fn new(probabilities: &Probabilities, schema: &'a Schema) -> Self {
        let names = schema.labels.iter().map(String::as_str);
        let (class, confidence) = probabilities.top();
        Self {
            label: schema.labels.get(class).map_or("", String::as_str),
            confidence,
            probabilities: names
                .zip(probabilities.as_slice().iter().copied())
                .collect(),
        }
    }
}

impl<'a> Line<'a> {
    fn new(row: &Row<'a>, schema: &'a Schema) -> Self {
        let prediction = |probabilities| Prediction::new(probabilities, schema);
        Self {
            file: row.file,
            frame: row.frame.map(|frame| frame.number),
            time: row.frame.map(Frame::seconds),
            track: row.track.map(|track| track.id),
            face: row.face,
            faces: row.faces,
            face_box: row.location.map(|(face_box, _)| face_box),
            score: row.location.map(|(_, score)| score),
            prediction: row.probabilities.map(prediction),
            smoothed: row.track.map(|track| prediction(&track.smoothed)),
            error: row.error,
            model: row.model,
        }
    }
}

/// Writes one line per row.
pub(super) fn write_lines(
    out: &mut impl Write,
    schema: &Schema,
    results: &[FileResult],
) -> io::Result<()> {
    for result in results {
        for row in result.rows() {
            serde_json::to_writer(&mut *out, &Line::new(&row, schema))?;
            writeln!(out)?;
        }
    }
    Ok(())
}

/// Writes the beginning of a document.
pub(super) fn begin(out: &mut impl Write, schema: &Schema) -> io::Result<()> {
    let model = schema.model.as_ref();
    let [name, version] = [model.map(|id| &id.model), model.map(|id| &id.version)]
        .map(|text| serde_json::to_string(&text));
    write!(
        out,
        "{{\n  \"model\": {},\n  \"version\": {},\n  \"predictions\": [",
        name?, version?
    )
}

/// Writes an element of the predictions of a document, which has the model in its beginning.
pub(super) fn write_element(
    out: &mut impl Write,
    schema: &Schema,
    result: &FileResult,
    is_first: bool,
) -> io::Result<()> {
    for (index, row) in result.rows().into_iter().enumerate() {
        let separator = if is_first && index == 0 {
            "\n    "
        } else {
            ",\n    "
        };
        write!(out, "{separator}")?;
        let line = Line {
            model: None,
            ..Line::new(&row, schema)
        };
        serde_json::to_writer(&mut *out, &line)?;
    }
    Ok(())
}

/// Writes the end of a document.
pub(super) fn end(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\n  ]\n}}")
}
