//! Creates the classifiers of workers.

use std::sync::{Arc, Mutex};

use mien_host::sync::lock;

use super::{SessionKind, Source};
use crate::{
    batching::Factory,
    inference::{Classifier, InferenceError, onnx::Session},
    models::file::ModelFile,
};

/// Sessions or classifier for the first worker.
pub(in crate::models) enum First {
    /// Sessions, which the worker warms up.
    Sessions(Vec<Session>),
    /// A classifier that is warmed up.
    Classifier(Box<dyn Classifier>),
}

impl Source {
    /// Returns the factory of the workers' classifiers. The first worker gets `first`; the others open new sessions, also after
    /// a panic. Each worker warms up its sessions, while the other workers do the same.
    pub(in crate::models) fn factory(
        self,
        first: First,
        kind: SessionKind,
        max_batch: usize,
    ) -> Factory {
        let first = Mutex::new(Some(first));
        Arc::new(move || {
            let first = lock(&first).take();
            match first {
                None => self.open_again(&kind, max_batch),
                Some(First::Sessions(sessions)) => self.warm_up(sessions, max_batch),
                Some(First::Classifier(classifier)) => Ok(classifier),
            }
        })
    }

    fn open_again(
        &self,
        kind: &SessionKind,
        max_batch: usize,
    ) -> Result<Box<dyn Classifier>, InferenceError> {
        self.each(ModelFile::check_unchanged)?;
        self.warm_up(self.sessions(kind)?, max_batch)
    }
}
