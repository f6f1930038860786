//! Pairs layers where a file holds weights alone: by the order of the layers of one kind, and by their shapes.
//!
//! The order is that in which the layers were made, where their names tell it (`conv2d_12`), else the file's. Keras lists
//! branches side by side, and in a ResNet v2 the end of a branch and the shortcut beside it are of one shape.

use std::collections::BTreeMap;

use super::{
    error::KerasError,
    file::{Layer, kind_and_number},
    matching::Pair,
    weights,
};
use crate::arch::graph::Graph;

/// How far a layer of the right shape is looked for: a shortcut may stand before or behind the branch beside it.
const REACH: usize = 3;

/// Pairs all layers of a network that have weights with the file's.
///
/// # Errors
/// The first layer of the network for which the file has none of its shape, or the first one too many in the file.
pub(super) fn pair(graph: &Graph, layers: &[Layer]) -> Result<Vec<Pair>, KerasError> {
    let misfit = |layer: &str, expected: String, found: String| KerasError::Layer {
        architecture: graph.name().to_owned(),
        layer: layer.to_owned(),
        expected,
        found,
    };
    let mut rest = in_order_of_making(layers);
    let mut pairs = Vec::new();
    for (node, wanted) in weights::expected(graph)? {
        let alike = |layer: &Layer| ranks(&layer.shapes()) == ranks(&wanted);
        let mut near = rest.iter().enumerate().filter(|(_, layer)| alike(layer)).take(REACH);
        let found = near.clone().find(|(_, layer)| layer.shapes() == wanted);
        let Some((position, layer)) = found else {
            let next = near.next().or_else(|| rest.iter().enumerate().next());
            let found = next.map_or_else(
                || "no layer more".to_owned(),
                |(_, layer)| format!("{:?} (`{}`)", layer.shapes(), layer.name),
            );
            return Err(misfit(&node, format!("arrays of {wanted:?}"), found));
        };
        pairs.push(Pair { node, layer: layer.name.clone() });
        rest.remove(position);
    }
    match rest.first() {
        None => Ok(pairs),
        Some(layer) => {
            let found = format!("{:?} (`{}`)", layer.shapes(), layer.name);
            Err(misfit("behind the last", "no layer more".to_owned(), found))
        }
    }
}

/// What layers of one kind have in common.
fn ranks(shapes: &[Vec<usize>]) -> Vec<usize> {
    shapes.iter().map(Vec::len).collect()
}

/// The layers, those of each kind by their number where all names of the kind are one word with numbers.
fn in_order_of_making(layers: &[Layer]) -> Vec<&Layer> {
    let mut kinds: BTreeMap<Vec<usize>, Vec<&Layer>> = BTreeMap::new();
    for layer in layers {
        kinds.entry(ranks(&layer.shapes())).or_default().push(layer);
    }
    for alike in kinds.values_mut() {
        let word = |layer: &Layer| kind_and_number(&layer.name).0;
        if alike.iter().all(|layer| word(layer) == word(alike[0])) {
            alike.sort_by_key(|layer| kind_and_number(&layer.name).1);
        }
    }
    kinds.into_values().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{arch::catalog, keras::file::Array};

    /// Layers as a network wants them, called `conv2d`, `conv2d_1`, `bn`, ...
    fn layers(graph: &Graph) -> Vec<Layer> {
        let mut made: BTreeMap<usize, usize> = BTreeMap::new();
        let named = |(_, shapes): (String, Vec<Vec<usize>>)| {
            let count = made.entry(shapes[0].len()).or_default();
            let word = ["", "bn", "dense", "", "conv2d"][shapes[0].len()];
            let name = if *count == 0 { word.to_owned() } else { format!("{word}_{count}") };
            *count += 1;
            let array = |shape| Array { name: "kernel".to_owned(), shape, values: Vec::new() };
            Layer { name, arrays: shapes.into_iter().map(array).collect() }
        };
        weights::expected(graph).unwrap().into_iter().map(named).collect()
    }

    #[test]
    fn numbers_in_names_go_before_the_file_s_order() {
        let graph = catalog::build("resnet-11-v2").unwrap();
        let ordered = layers(&graph);
        let expected = pair(&graph, &ordered).unwrap();
        let layer_of = |pairs: &[Pair], node: &str| {
            pairs.iter().find(|pair| pair.node == node).unwrap().layer.clone()
        };
        assert_eq!(layer_of(&expected, "stack1.block1.conv3"), "conv2d_3");
        assert_eq!(layer_of(&expected, "stack1.block1.shortcut"), "conv2d_4");
        // As Keras 2 lists them: the shortcut, of the same shape, before the end of the branch.
        let mut listed = ordered;
        let at = |name: &str| listed.iter().position(|layer| layer.name == name).unwrap();
        let (end, shortcut) = (at("conv2d_3"), at("conv2d_4"));
        listed.swap(end, shortcut);
        assert_eq!(pair(&graph, &listed).unwrap(), expected);
    }

    #[test]
    fn layers_that_are_missing_or_too_many_are_told() {
        let graph = catalog::build("resnet-8-v1").unwrap();
        let mut all = layers(&graph);
        let last = all.pop().unwrap();
        let error = pair(&graph, &all).unwrap_err().to_string();
        assert!(error.contains("head.dense") && error.contains("no layer more"), "{error}");
        all.extend([last.clone(), last]);
        let error = pair(&graph, &all).unwrap_err().to_string();
        assert!(error.contains("expected no layer more") && error.contains("`dense`"), "{error}");
    }
}
