//! Pairs layers where a file holds weights alone: by the order of the layers of one kind, and by their shapes.

use super::{error::KerasError, file::Layer, matching::Pair, weights};
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
    let mut rest: Vec<&Layer> = layers.iter().collect();
    let mut pairs = Vec::new();
    for (node, wanted) in weights::expected(graph)? {
        // Layers of one kind have arrays of the same ranks.
        let ranks = |shapes: &[Vec<usize>]| shapes.iter().map(Vec::len).collect::<Vec<_>>();
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
