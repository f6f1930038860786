//! Looks at the models folder for changes. A change is acted on when two looks in a row saw the same: a file that is
//! still being written, or is gone only until its successor has its name, is left alone.

use std::collections::BTreeSet;

use super::{ranking::default_among, thread::LifecycleThread};
use crate::models::{
    name::ModelName,
    repository::{self, Listing},
};

impl LifecycleThread {
    /// One look.
    pub(super) fn look(&mut self) {
        let now = match self.listing() {
            Ok(now) => now,
            Err(complaint) => return self.complain(Some(complaint)),
        };
        let before = std::mem::replace(&mut self.seen, now.clone());
        let known = self.settled.keys().chain(now.models.keys());
        let names: BTreeSet<String> = known.cloned().collect();
        for name in names {
            let folders = now.models.get(&name);
            let unclear = before.models.get(&name) != folders
                || before.unreadable.contains(&name)
                || now.unreadable.contains(&name);
            if unclear || self.held.contains(&name) || self.settled.get(&name) == folders {
                continue;
            }
            if self.closing() {
                return;
            }
            tracing::info!(model = name, "the models folder has changed");
            let folders = folders.cloned().unwrap_or_default();
            self.loader.metrics.init_model(&name);
            self.reconcile(&name, &folders, false);
            if folders.is_empty() {
                self.settled.remove(&name);
            }
        }
        self.replace_default();
    }

    /// Chooses again where the default was the server's choice and is gone from the folder. One that was unloaded by an
    /// order, or named by a flag, stays the default.
    fn replace_default(&self) {
        let snapshot = self.current.load();
        let gone = snapshot
            .default
            .as_ref()
            .is_some_and(|d| !snapshot.models.contains_key(&d.name));
        if self.options.default.is_some() || !gone {
            return;
        }
        if let Some(name) = default_among(&snapshot, &[]) {
            tracing::info!(model = name, "default model, for the one before is gone");
            self.change(|next| {
                next.default = Some(ModelName {
                    name,
                    version: None,
                })
            });
        }
    }

    /// What is on disk; or why it cannot be believed: an empty folder is one whose disk is not there.
    fn listing(&mut self) -> Result<Listing, String> {
        let mut listing =
            repository::list(&self.options.root).map_err(|error| error.to_string())?;
        if listing.models.is_empty() {
            return Err("it holds no model".to_owned());
        }
        let shadowed = self
            .options
            .aliases
            .keys()
            .find(|a| listing.models.contains_key(*a));
        let complaint =
            shadowed.map(|alias| format!("`{alias}` in it is an alias and cannot be a model"));
        self.complain(complaint);
        listing
            .models
            .retain(|name, _| !self.options.aliases.contains_key(name));
        Ok(listing)
    }

    /// Logs what is wrong with the folder, once.
    fn complain(&mut self, complaint: Option<String>) {
        if complaint == self.complaint {
            return;
        }
        match &complaint {
            Some(complaint) => {
                tracing::warn!("the models folder: {complaint}; what serves goes on serving");
            }
            None => tracing::info!("the models folder is in order again"),
        }
        self.complaint = complaint;
    }
}
