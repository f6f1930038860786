//! Reads off a model's inputs and outputs how it is fed, or why it cannot be served. Pure: no runtime.

mod outputs;

use serde::Deserialize;

pub use self::outputs::Output;
use super::{InferenceError, invalid_model};

/// The element type of a tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Element {
    /// Gray 0 to 255 as it is.
    Uint8,
    /// Gray scaled by the model's [`Feeding`].
    Float32,
    /// The same, rounded to 11 bits: half the memory to copy to a GPU.
    Float16,
    /// Anything else, by its name.
    Other(String),
}

/// An input or output as the model file declares it. A dimension below 1 is free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its name in the graph.
    pub name: String,
    /// Its element type; `None` when it is no tensor.
    pub element: Option<Element>,
    /// Its shape.
    pub shape: Vec<i64>,
}

/// What the values of an output are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputKind {
    /// Distributions over the labels.
    Probabilities,
    /// What a softmax turns into them.
    Logits,
}

/// How gray becomes what a float model takes: `(gray * scale - mean) / std`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Feeding {
    /// Default 1/255.
    pub scale: f32,
    /// In units of the scaled gray; default 0.
    pub mean: f32,
    /// In units of the scaled gray; default 1.
    pub std: f32,
}

impl Default for Feeding {
    fn default() -> Self {
        Self {
            scale: 1.0 / 255.0,
            mean: 0.0,
            std: 1.0,
        }
    }
}

/// How a model is fed and read.
#[derive(Debug, Clone, PartialEq)]
pub struct Signature {
    /// The input's name.
    pub input: String,
    /// The input's shape with the batch, the first dimension, as 1.
    pub shape: Vec<usize>,
    /// `None` for a uint8 input, which takes gray as it is.
    pub feeding: Option<Feeding>,
    /// Whether the input is float16: values come as float32 and are rounded when they are copied.
    pub half: bool,
    /// Rows and columns of a face.
    pub side: usize,
    /// The batch size of a model that takes no other.
    pub fixed_batch: Option<usize>,
    /// The float outputs `[N, columns]`, in the graph's order.
    pub outputs: Vec<Output>,
    /// The one of them that holds a value for each label.
    pub answer: usize,
    /// What it holds; `None` is to be found out by a trial run.
    pub kind: Option<OutputKind>,
}

impl Signature {
    /// Checks a model's ports against what can be served.
    ///
    /// # Errors
    /// With the reason and, where there is one, the remedy.
    pub fn new(
        inputs: &[Port],
        outputs: &[Port],
        labels: usize,
        feeding: Option<Feeding>,
        kind: Option<OutputKind>,
    ) -> Result<Self, InferenceError> {
        let [input] = inputs else {
            return invalid_model(format!("it has {} inputs; one is needed", inputs.len()));
        };
        let feeding = match (&input.element, feeding) {
            (Some(Element::Float32 | Element::Float16), feeding) => {
                Some(feeding.unwrap_or_default())
            }
            (Some(Element::Uint8), None) => None,
            (Some(Element::Uint8), Some(_)) => {
                return invalid_model(
                    "its input is uint8, so `scale`, `mean` and `std` in mien.toml mean nothing",
                );
            }
            (Some(Element::Other(name)), _) => {
                return invalid_model(format!(
                    "its input is {name}; uint8, float32 or float16 is needed"
                ));
            }
            (None, _) => return invalid_model("its input is no tensor"),
        };
        let (side, shape) = square(&input.shape)?;
        let (outputs, answer, kind) = outputs::choose(outputs, labels, kind)?;
        Ok(Self {
            input: input.name.clone(),
            shape,
            feeding,
            half: input.element == Some(Element::Float16),
            side,
            fixed_batch: input
                .shape
                .first()
                .and_then(|&n| usize::try_from(n).ok())
                .filter(|&n| n > 0),
            outputs,
            answer,
            kind,
        })
    }

    /// How many values [`Answer::outputs`](super::Answer) holds.
    pub fn output_values(&self) -> usize {
        self.outputs.iter().map(|output| output.columns).sum()
    }

    /// The names of the input's dimensions, for people: `N,1,48,48` with the true numbers.
    pub fn layout(&self) -> Vec<String> {
        let batch = self
            .fixed_batch
            .map_or_else(|| "N".to_owned(), |n| n.to_string());
        let rest = self.shape.iter().skip(1).map(usize::to_string);
        std::iter::once(batch).chain(rest).collect()
    }
}

/// The side and the shape (batch 1) of an NCHW, NHWC or NHW input of square gray faces. With one
/// channel the three hold the same bytes in the same order.
fn square(shape: &[i64]) -> Result<(usize, Vec<usize>), InferenceError> {
    let (rows, columns) = match *shape {
        [_, rows, columns] | [_, 1, rows, columns] | [_, rows, columns, 1] => (rows, columns),
        [_, _, _, _] => {
            return invalid_model(format!(
                "its input is {shape:?}; one gray channel is needed"
            ));
        }
        _ => {
            return invalid_model(format!(
                "its input is {shape:?}; [N,1,S,S], [N,S,S,1] or [N,S,S] is needed"
            ));
        }
    };
    // Decoded pictures are resized with 16-bit sides.
    let side = |n: i64| u16::try_from(n).ok().filter(|&n| n > 0).map(usize::from);
    let (Some(side), Some(width)) = (side(rows), side(columns)) else {
        return invalid_model(format!(
            "its input is {shape:?}; height and width must be fixed numbers"
        ));
    };
    if side != width {
        return invalid_model(format!("its input is {side}x{width}; a square is needed"));
    }
    let mut shape: Vec<usize> = shape
        .iter()
        .map(|&n| usize::try_from(n).unwrap_or(1))
        .collect();
    shape[0] = 1;
    Ok((side, shape))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(name: &str, element: Element, shape: &[i64]) -> Port {
        Port {
            name: name.to_owned(),
            element: Some(element),
            shape: shape.to_vec(),
        }
    }

    fn check(input: Port, output: Port) -> Result<Signature, InferenceError> {
        Signature::new(&[input], &[output], 7, None, None)
    }

    #[test]
    fn reads_every_layout() {
        for shape in [&[-1, 1, 48, 48][..], &[-1, 48, 48, 1], &[-1, 48, 48]] {
            let input = port("image", Element::Uint8, shape);
            let signature =
                check(input, port("probabilities", Element::Float32, &[-1, 7])).unwrap();
            assert_eq!((signature.side, signature.fixed_batch), (48, None));
            assert_eq!(signature.kind, Some(OutputKind::Probabilities));
            assert_eq!(signature.feeding, None);
            assert_eq!(signature.shape.iter().product::<usize>(), 48 * 48);
        }
    }

    #[test]
    fn float_inputs_are_scaled_and_unnamed_outputs_left_to_the_trial() {
        let input = port("x", Element::Float32, &[1, 64, 64, 1]);
        let signature = check(input, port("dense", Element::Float32, &[1, 7])).unwrap();
        assert_eq!(signature.feeding, Some(Feeding::default()));
        assert_eq!((signature.fixed_batch, signature.kind), (Some(1), None));
        assert_eq!(signature.layout(), ["1", "64", "64", "1"]);
    }

    #[test]
    fn halves_are_fed_as_floats() {
        let input = port("x", Element::Float16, &[-1, 48, 48, 1]);
        let signature = check(input, port("dense", Element::Float16, &[-1, 7])).unwrap();
        assert!(signature.half && signature.outputs[0].half);
        assert_eq!(signature.feeding, Some(Feeding::default()));
    }

    #[test]
    fn says_why_a_model_cannot_be_served() {
        let fine = || port("probabilities", Element::Float32, &[-1, 7]);
        let reason = |input, output| check(input, output).unwrap_err().to_string();
        let u8 = |shape: &[i64]| port("image", Element::Uint8, shape);
        assert!(reason(u8(&[-1, 3, 48, 48]), fine()).contains("one gray channel"));
        assert!(reason(u8(&[-1, 1, 48, 64]), fine()).contains("a square"));
        assert!(reason(u8(&[-1, 1, -1, -1]), fine()).contains("fixed numbers"));
        assert!(reason(u8(&[-1, 2304]), fine()).contains("[N,1,S,S]"));
        let double = port("image", Element::Other("float64".to_owned()), &[-1, 48, 48]);
        assert!(reason(double, fine()).contains("float64"));
        let eight = port("probabilities", Element::Float32, &[-1, 8]);
        assert!(reason(u8(&[-1, 48, 48]), eight).contains("8 classes, but 7 labels"));
        let flat = port("probabilities", Element::Float32, &[-1]);
        assert!(reason(u8(&[-1, 48, 48]), flat).contains("no float32 or float16 [N, labels]"));
        assert!(Signature::new(&[], &[fine()], 7, None, None).is_err());
    }
}
