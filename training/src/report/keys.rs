//! Differences between recipes by key.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::recipe::Recipe;

/// Returns a recipe's values by key. Keys of tables are written as `table.key`.
pub fn flat(recipe: &Recipe) -> BTreeMap<String, Value> {
    let mut keys = BTreeMap::new();
    flatten("", &serde_json::json!(recipe), &mut keys);
    keys
}

fn flatten(path: &str, value: &Value, keys: &mut BTreeMap<String, Value>) {
    match value.as_object() {
        Some(table) => {
            for (key, value) in table {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                flatten(&path, value, keys);
            }
        }
        None => {
            keys.insert(path.to_owned(), value.clone());
        }
    }
}

/// Returns the keys whose values differ, each with its value in every recipe (null if the key is absent).
pub fn differing(recipes: &[&Recipe]) -> BTreeMap<String, Vec<Value>> {
    let flat: Vec<_> = recipes.iter().map(|recipe| flat(recipe)).collect();
    let keys = flat.iter().flat_map(BTreeMap::keys).cloned();
    let values = |key: String| {
        let values: Vec<Value> = flat
            .iter()
            .map(|keys| keys.get(&key).cloned().unwrap_or_default())
            .collect();
        values
            .windows(2)
            .any(|pair| pair[0] != pair[1])
            .then_some((key, values))
    };
    keys.filter_map(values).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differing_lists_only_changed_keys_with_all_values() {
        let one = Recipe::default();
        let mut other = Recipe {
            epochs: one.epochs + 1,
            ..one.clone()
        };
        other.augment.flip = 0.25;
        let found = differing(&[&one, &other, &one]);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["augment.flip", "epochs"]);
        assert_eq!(found["augment.flip"][1], 0.25);
        assert_eq!(found["epochs"][2], one.epochs);
        assert!(differing(&[&one, &one]).is_empty());
    }
}
