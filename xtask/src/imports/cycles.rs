//! Import cycles between the files of a crate.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::module_tree::Edge;

/// Returns a description of every group of files that depend on each other, directly or through others.
pub(super) fn cycles(edges: &[Edge]) -> Vec<String> {
    let reachable = reachable(edges);
    let depends = |from: &Path, to: &Path| reachable[from].contains(to);
    let mut described = BTreeSet::new();
    let mut found = Vec::new();
    for (&file, targets) in &reachable {
        if !targets.contains(file) || described.contains(file) {
            continue;
        }
        let group: BTreeSet<&Path> = targets
            .iter()
            .copied()
            .filter(|other| depends(other, file))
            .collect();
        let inside = edges.iter().filter(|edge| {
            group.contains(edge.from.as_path()) && group.contains(edge.to.as_path())
        });
        let lines = inside.map(|edge| {
            format!(
                "\n  {}:{} uses {}",
                edge.from.display(),
                edge.line,
                edge.to.display()
            )
        });
        found.push(format!(
            "{} files import each other:{}",
            group.len(),
            lines.collect::<String>()
        ));
        described.extend(group);
    }
    found
}

/// Returns for each file that uses another one all files that it depends on.
fn reachable(edges: &[Edge]) -> BTreeMap<&Path, BTreeSet<&Path>> {
    let mut direct: BTreeMap<&Path, Vec<&Path>> = BTreeMap::new();
    for edge in edges {
        direct.entry(&edge.from).or_default().push(&edge.to);
        direct.entry(&edge.to).or_default();
    }
    let from = |file: &&Path| {
        let mut seen = BTreeSet::new();
        let mut pending = direct[file].clone();
        while let Some(next) = pending.pop() {
            if seen.insert(next) {
                pending.extend(&direct[next]);
            }
        }
        seen
    };
    direct.keys().map(|file| (*file, from(file))).collect()
}
