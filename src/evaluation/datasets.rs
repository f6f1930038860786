//! The data sets of a server by name, and their images by identifiers that do not reveal paths.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::Arc,
};

use mien_faces::dataset::{Dataset, DatasetError, Sample, Split};
use tokio::sync::OnceCell;

use super::duplicates::{self, DuplicateIds};

/// The data sets that `--data` names.
#[derive(Default)]
pub struct Datasets(BTreeMap<String, Entry>);

struct Entry {
    dataset: Arc<Dataset>,
    /// Image identifier -> split and index in the split.
    images: HashMap<String, (Split, usize)>,
    /// Test images that are also in train; computed on first use.
    in_train: OnceCell<DuplicateIds>,
}

impl Datasets {
    /// Lists the images of each data set.
    ///
    /// # Errors
    /// Returns an error with the path and the remedy if a data set cannot be listed.
    pub fn open(
        sources: impl IntoIterator<Item = (String, PathBuf)>,
    ) -> Result<Self, DatasetError> {
        let open = |(name, root): (String, PathBuf)| {
            let dataset = Arc::new(Dataset::open(&root)?);
            let splits = [Split::Train, Split::Test].into_iter();
            let images: HashMap<_, _> = splits
                .flat_map(|split| {
                    let samples = dataset.samples(split).iter().enumerate();
                    samples.map(move |(index, sample)| (sample.id(), (split, index)))
                })
                .collect();
            let groupings = dataset.grouping_names().join(", ");
            tracing::info!(
                dataset = name,
                images = images.len(),
                groupings,
                "data set listed"
            );
            let left_out = dataset.left_out();
            if !left_out.is_empty() {
                tracing::warn!(dataset = name, %left_out, "the data set has files that are not listed");
            }
            Ok((
                name,
                Entry {
                    dataset,
                    images,
                    in_train: OnceCell::new(),
                },
            ))
        };
        Ok(Self(
            sources.into_iter().map(open).collect::<Result<_, _>>()?,
        ))
    }

    /// Returns the names in sorted order.
    pub fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// Returns the data set with this name.
    pub fn get(&self, name: &str) -> Option<&Arc<Dataset>> {
        self.0.get(name).map(|entry| &entry.dataset)
    }

    /// Returns the identifiers of the test images that are also in train; `None` if the data set does not have both splits.
    /// The first call reads every image of the data set on a blocking thread; the result is cached.
    pub async fn test_in_train(&self, name: &str) -> DuplicateIds {
        let entry = self.0.get(name)?;
        let search = || duplicates::test_in_train(Arc::clone(&entry.dataset));
        entry.in_train.get_or_init(search).await.clone()
    }

    /// Returns the image with this identifier.
    pub fn image(&self, name: &str, id: &str) -> Option<&Sample> {
        let entry = self.0.get(name)?;
        let &(split, index) = entry.images.get(id)?;
        entry.dataset.samples(split).get(index)
    }
}
