//! Detects the network of the catalogue that a Keras model is.

use super::{
    config::Model,
    error::KerasError,
    matching::{self, Mismatch, Pair},
    signature::Kind,
};
use crate::arch::{catalog, graph::Graph};

/// Returns the network of a model with its paired layers. Without `name` the network is detected.
///
/// # Errors
/// Returns an error if the model does not match the named network or any network. The error names the first layer that
/// differs from the named or the most similar network.
pub(super) fn detect_architecture(
    model: &Model,
    name: Option<&str>,
) -> Result<(Graph, Vec<Pair>), KerasError> {
    if let Some(name) = name {
        let graph = catalog::build(name)?;
        let pairs = matching::pair(&graph, model).map_err(|mismatch| mismatch.of(name))?;
        return Ok((graph, pairs));
    }
    let mut nearest: Option<(String, Mismatch)> = None;
    for name in candidates(model) {
        let Ok(graph) = catalog::build(&name) else {
            continue;
        };
        match matching::pair(&graph, model) {
            Ok(pairs) => return Ok((graph, pairs)),
            Err(mismatch) => {
                if nearest
                    .as_ref()
                    .is_none_or(|(_, best)| best.matched < mismatch.matched)
                {
                    nearest = Some((name, mismatch));
                }
            }
        }
    }
    Err(match nearest {
        Some((name, mismatch)) => mismatch.of(&name),
        None => KerasError::Unrecognised(format!(
            "the model is neither a ResNet nor a DenseNet of the catalogue; name the network with --arch; its first layers are {}",
            first_layers(model)
        )),
    })
}

/// Returns the names of networks with the model's numbers of sums, concatenations and pools.
fn candidates(model: &Model) -> Vec<String> {
    let count = |is: fn(&Kind) -> bool| model.nodes.iter().filter(|node| is(&node.kind)).count();
    let sums = count(|kind| *kind == Kind::Add);
    let joins = count(|kind| *kind == Kind::Concat);
    let pools = count(|kind| matches!(kind, Kind::AvgPool { .. }));
    let mut names = Vec::new();
    if joins > 1 && pools > 0 {
        let filters = |kind: &Kind| {
            if let Kind::Conv { filters, .. } = kind {
                Some(*filters)
            } else {
                None
            }
        };
        let growth = model
            .nodes
            .iter()
            .find_map(|node| filters(&node.kind))
            .map(|n| n / 2);
        let (depth, growth) = (2 * (joins - 1) + 4, growth.unwrap_or(0));
        // The common compressions come first, because in small networks several give the same number of filters.
        for tenths in [5, 3, 7, 10, 1, 2, 4, 6, 8, 9] {
            let blocks = if pools == 4 {
                String::new()
            } else {
                format!("-b{pools}")
            };
            names.push(format!("densenet-{depth}-{growth}-c{tenths:02}{blocks}"));
        }
    } else if sums > 0 {
        let n = sums.div_ceil(3);
        names.extend([
            format!("resnet-{}-v1", 6 * n + 2),
            format!("resnet-{}-v2", 9 * n + 2),
        ]);
    }
    let global = names
        .iter()
        .map(|name| format!("{name}-gap"))
        .collect::<Vec<_>>();
    names.extend(global);
    names
}

fn first_layers(model: &Model) -> String {
    let layers = model
        .nodes
        .iter()
        .take(4)
        .map(|node| format!("{} (`{}`)", node.kind, node.layer));
    layers.collect::<Vec<_>>().join(", ")
}
