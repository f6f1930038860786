//! Pairs layers of a file with only weights: by the order of the layers of one kind, and by their shapes.
//!
//! The order is the order of creation if the names are numbered (`conv2d_12`), otherwise the order in the file. Keras
//! interleaves branches in the file, and in a ResNet v2 the last layer of a branch has the same shape as the shortcut.

use std::collections::BTreeMap;

use super::{
    error::KerasError,
    file::{Layer, kind_and_number},
    matching::Pair,
    weights,
};
use crate::arch::graph::Graph;

/// Number of layers of one kind among which a matching shape is searched. A shortcut can precede or follow its branch.
const REACH: usize = 3;

/// Pairs all layers of a network that have weights with the file's.
///
/// # Errors
/// Returns the first layer of the network without a layer of its shape in the file, or the first surplus layer of the file.
pub(super) fn pair(graph: &Graph, layers: &[Layer]) -> Result<Vec<Pair>, KerasError> {
    let misfit = |layer: &str, expected: String, found: String| KerasError::Layer {
        architecture: graph.name().to_owned(),
        layer: layer.to_owned(),
        expected,
        found,
    };
    let mut rest = in_creation_order(layers);
    let mut pairs = Vec::new();
    for (node, expected) in weights::expected(graph)? {
        let same_kind = |layer: &Layer| ranks(&layer.shapes()) == ranks(&expected);
        let mut near = rest
            .iter()
            .enumerate()
            .filter(|(_, layer)| same_kind(layer))
            .take(REACH);
        let found = near.clone().find(|(_, layer)| layer.shapes() == expected);
        let Some((position, layer)) = found else {
            let next = near.next().or_else(|| rest.iter().enumerate().next());
            let found = next.map_or_else(
                || "no more layers".to_owned(),
                |(_, layer)| format!("{:?} (`{}`)", layer.shapes(), layer.name),
            );
            return Err(misfit(
                &node,
                format!("arrays of the shapes {expected:?}"),
                found,
            ));
        };
        pairs.push(Pair {
            node,
            layer: layer.name.clone(),
        });
        rest.remove(position);
    }
    match rest.first() {
        None => Ok(pairs),
        Some(layer) => {
            let found = format!("{:?} (`{}`)", layer.shapes(), layer.name);
            Err(misfit(
                "after the last layer",
                "no more layers".to_owned(),
                found,
            ))
        }
    }
}

/// Returns the ranks of a layer's arrays. They are equal for layers of one kind.
fn ranks(shapes: &[Vec<usize>]) -> Vec<usize> {
    shapes.iter().map(Vec::len).collect()
}

/// Returns the layers by kind. The layers of a kind are sorted by number if their names differ only in the number.
fn in_creation_order(layers: &[Layer]) -> Vec<&Layer> {
    let mut kinds: BTreeMap<Vec<usize>, Vec<&Layer>> = BTreeMap::new();
    for layer in layers {
        kinds.entry(ranks(&layer.shapes())).or_default().push(layer);
    }
    for layers in kinds.values_mut() {
        let word = |layer: &Layer| kind_and_number(&layer.name).0;
        if layers.iter().all(|layer| word(layer) == word(layers[0])) {
            layers.sort_by_key(|layer| kind_and_number(&layer.name).1);
        }
    }
    kinds.into_values().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{arch::catalog, keras::file::Array};

    /// Returns layers that match a network, named `conv2d`, `conv2d_1`, `bn`, ...
    fn layers(graph: &Graph) -> Vec<Layer> {
        let mut made: BTreeMap<usize, usize> = BTreeMap::new();
        let named = |(_, shapes): (String, Vec<Vec<usize>>)| {
            let count = made.entry(shapes[0].len()).or_default();
            let word = ["", "bn", "dense", "", "conv2d"][shapes[0].len()];
            let name = if *count == 0 {
                word.to_owned()
            } else {
                format!("{word}_{count}")
            };
            *count += 1;
            let array = |shape| Array {
                name: "kernel".to_owned(),
                shape,
                values: Vec::new(),
            };
            Layer {
                name,
                arrays: shapes.into_iter().map(array).collect(),
            }
        };
        weights::expected(graph)
            .unwrap()
            .into_iter()
            .map(named)
            .collect()
    }

    #[test]
    fn numbers_in_names_precede_file_order() {
        let graph = catalog::build("resnet-11-v2").unwrap();
        let ordered = layers(&graph);
        let expected = pair(&graph, &ordered).unwrap();
        let layer_of = |pairs: &[Pair], node: &str| {
            pairs
                .iter()
                .find(|pair| pair.node == node)
                .unwrap()
                .layer
                .clone()
        };
        assert_eq!(layer_of(&expected, "stack1.block1.conv3"), "conv2d_3");
        assert_eq!(layer_of(&expected, "stack1.block1.shortcut"), "conv2d_4");
        // Keras 2 lists the shortcut before the last layer of the branch, which has the same shape.
        let mut listed = ordered;
        let at = |name: &str| listed.iter().position(|layer| layer.name == name).unwrap();
        let (end, shortcut) = (at("conv2d_3"), at("conv2d_4"));
        listed.swap(end, shortcut);
        assert_eq!(pair(&graph, &listed).unwrap(), expected);
    }

    #[test]
    fn missing_and_surplus_layers_are_reported() {
        let graph = catalog::build("resnet-8-v1").unwrap();
        let mut all = layers(&graph);
        let last = all.pop().unwrap();
        let error = pair(&graph, &all).unwrap_err().to_string();
        assert!(
            error.contains("head.dense") && error.contains("no more layers"),
            "{error}"
        );
        all.extend([last.clone(), last]);
        let error = pair(&graph, &all).unwrap_err().to_string();
        assert!(
            error.contains("expected no more layers") && error.contains("`dense`"),
            "{error}"
        );
    }
}
