//! The data sets of a server, by the names that clients know, and their images by ids that tell no path.

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
    /// An image's id -> its split and its place in there.
    images: HashMap<String, (Split, usize)>,
    /// The test images that lie in train too, once somebody has asked.
    in_train: OnceCell<DuplicateIds>,
}

impl Datasets {
    /// Lists the data sets, each by its name.
    ///
    /// # Errors
    /// When one cannot be listed; the error names its path and the remedy.
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
            tracing::info!(dataset = name, images = images.len(), "data set listed");
            Ok((name, Entry { dataset, images, in_train: OnceCell::new() }))
        };
        Ok(Self(sources.into_iter().map(open).collect::<Result<_, _>>()?))
    }

    /// The names, sorted.
    pub fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// A data set by its name.
    pub fn get(&self, name: &str) -> Option<&Arc<Dataset>> {
        self.0.get(name).map(|entry| &entry.dataset)
    }

    /// The ids of the test images of a data set that lie in its train too; `None` where it has not both. The first
    /// question reads every image of the data set, off the event loop; the answer is remembered.
    pub async fn test_in_train(&self, name: &str) -> DuplicateIds {
        let entry = self.0.get(name)?;
        let search = || duplicates::test_in_train(Arc::clone(&entry.dataset));
        entry.in_train.get_or_init(search).await.clone()
    }

    /// An image of a data set by its id.
    pub fn image(&self, name: &str, id: &str) -> Option<&Sample> {
        let entry = self.0.get(name)?;
        let &(split, index) = entry.images.get(id)?;
        entry.dataset.samples(split).get(index)
    }
}
