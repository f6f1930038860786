//! Input and outputs of a graph: the views of `image`, and `logits` and `probabilities`.

use std::f32::consts::LN_2;

use mien_faces::expression::Expression;
use mien_onnx::AttributeProto;

use super::Writer;
use crate::onnx::views::Views;

/// Name of the model's input.
pub(super) const IMAGE: &str = "image";

impl Writer {
    /// Writes the views of `image` and returns the name of the network's input: `image` itself, or `[2N,1,S,S]` with
    /// the faces before their mirror images.
    pub(super) fn views(&mut self, views: Views) -> String {
        if views == Views::Single {
            return IMAGE.to_owned();
        }
        // ONNX `Slice` from the last column to the first, for any width.
        let [starts, ends, axes, steps] = [
            ("starts", -1),
            ("ends", i64::MIN),
            ("axes", 3),
            ("steps", -1),
        ]
        .map(|(name, value)| self.integers(&format!("mirror.{name}"), &[value]));
        let mirror = vec![IMAGE.to_owned(), starts, ends, axes, steps];
        self.push("Slice", "mirror", mirror, vec![]);
        let both = vec![IMAGE.to_owned(), "mirror".to_owned()];
        self.push(
            "Concat",
            "views",
            both,
            vec![AttributeProto::int("axis", 0)],
        );
        "views".to_owned()
    }

    /// Writes `logits` and `probabilities = softmax(logits / temperature)` from the network's result `last`.
    pub(super) fn outputs(&mut self, last: &str, temperature: f64, views: Views) {
        let temperature = self.scalar("temperature", temperature as f32);
        let tempered = match views {
            Views::Single => {
                self.push("Identity", "logits", vec![last.to_owned()], vec![]);
                self.push(
                    "Div",
                    "tempered",
                    vec!["logits".to_owned(), temperature],
                    vec![],
                );
                "tempered".to_owned()
            }
            Views::Flip => {
                let mean = self.mean_of_views(last, &temperature);
                self.push("Mul", "logits", vec![mean.clone(), temperature], vec![]);
                mean
            }
        };
        self.push(
            "Softmax",
            "probabilities",
            vec![tempered],
            vec![class_axis()],
        );
    }

    /// Writes the logarithm of the mean of both views' probabilities, `[N,7]`, and returns its name.
    ///
    /// The mean is computed from logarithms, so that a probability that underflows has a finite logit.
    fn mean_of_views(&mut self, last: &str, temperature: &str) -> String {
        let shape = self.integers("pairs.shape", &[2, -1, Expression::COUNT as i64]);
        let ln_2 = self.scalar("pairs.ln2", LN_2);
        let name = |name: &str| name.to_owned();
        self.push(
            "Div",
            "views.tempered",
            vec![name(last), name(temperature)],
            vec![],
        );
        self.push(
            "LogSoftmax",
            "views.log",
            vec![name("views.tempered")],
            vec![class_axis()],
        );
        self.push("Reshape", "pairs", vec![name("views.log"), shape], vec![]);
        let over_views = vec![
            AttributeProto::ints("axes", &[0]),
            AttributeProto::int("keepdims", 0),
        ];
        self.push(
            "ReduceLogSumExp",
            "pairs.sum",
            vec![name("pairs")],
            over_views,
        );
        self.push("Sub", "pairs.mean", vec![name("pairs.sum"), ln_2], vec![]);
        name("pairs.mean")
    }
}

fn class_axis() -> AttributeProto {
    AttributeProto::int("axis", 1)
}
