//! What a version's classifiers are opened from: one network, or the networks of an ensemble.

mod members;

use std::sync::{Arc, Mutex, PoisonError};

use super::{
    ensemble::Member,
    file::{self, ModelFile, read_hash},
    manifest::Manifest,
    repository::Found,
    sidecar::Sidecar,
};
use crate::{
    batching::{BatchOptions, Factory},
    inference::{
        Classifier, InferenceError,
        ensemble::{self, EnsembleClassifier},
        onnx::{OnnxClassifier, Session},
        runtime::Runtime,
        signature::Signature,
    },
};

/// What a version turned out to be.
pub struct Examined {
    /// Its networks.
    pub source: Source,
    /// What its files say about it.
    pub manifest: Manifest,
    /// Its `mien.toml`.
    pub sidecar: Sidecar,
    /// The sessions that the networks were examined with, one per network.
    pub sessions: Vec<Session>,
}

/// The networks of a version.
pub struct Source {
    /// At least one; exactly one if the version is not an ensemble.
    files: Vec<ModelFile>,
    /// The members of the ensemble, in the order of `files`; empty if the version is not an ensemble.
    members: Vec<Member>,
    /// SHA-256 that identifies the version's answers, as `identity` returns it.
    pub sha256: String,
    /// How the version is fed and read.
    pub signature: Signature,
    /// Number of classes.
    labels: usize,
}

/// Opens a session of each network of a version, whose runs use `threads` cores, checks what the files say and tries each
/// network once.
///
/// # Errors
/// When the version cannot be served; the reason names no path.
pub fn examine(
    runtime: &Runtime,
    found: &Found,
    sidecar: Sidecar,
    threads: usize,
) -> Result<Examined, InferenceError> {
    if let Some(ensemble) = &sidecar.ensemble {
        let (source, manifest, sessions) = members::examine(runtime, found, ensemble, threads)?;
        return Ok(Examined {
            source,
            manifest,
            sidecar,
            sessions,
        });
    }
    let file::Examined {
        file,
        manifest,
        session,
    } = file::examine(runtime, &found.folder, &sidecar, threads)?;
    let (sha256, signature) = (file.sha256.clone(), file.signature.clone());
    let labels = manifest.labels.len();
    let source = Source {
        files: vec![file],
        members: Vec::new(),
        sha256,
        signature,
        labels,
    };
    Ok(Examined {
        source,
        manifest,
        sidecar,
        sessions: vec![session],
    })
}

/// Returns the SHA-256 that identifies a version's answers without opening it: that of its model file, or one that covers
/// the files and weights of an ensemble's members.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn identity(found: &Found, sidecar: &Sidecar) -> Result<String, InferenceError> {
    match &sidecar.ensemble {
        Some(ensemble) => members::identity(&found.root, ensemble),
        None => read_hash(&found.model_file()),
    }
}

impl Source {
    /// Opens a session of each network whose runs use `threads` cores.
    ///
    /// # Errors
    /// When a file is gone or no longer a model.
    pub fn sessions(&self, threads: usize) -> Result<Vec<Session>, InferenceError> {
        self.each(|file| file.session(threads))
    }

    /// Returns a classifier of these sessions, tried with as many images as it will ever run at once.
    ///
    /// # Errors
    /// When a trial fails.
    pub fn try_out(
        &self,
        sessions: Vec<Session>,
        max_batch: usize,
    ) -> Result<Box<dyn Classifier>, InferenceError> {
        let mut sessions = sessions.into_iter();
        let classifiers = self.each(|file| {
            let session = sessions.next().expect("there is one session per network");
            file.try_out(session, max_batch)
        })?;
        Ok(self.combine(classifiers))
    }

    /// Returns a classifier of new sessions that have not run yet: for measurements.
    ///
    /// # Errors
    /// When a file is gone or no longer a model.
    pub fn open_untried(
        &self,
        threads: usize,
        max_batch: usize,
    ) -> Result<Box<dyn Classifier>, InferenceError> {
        let classifiers = self.each(|file| Ok(file.untried(file.session(threads)?, max_batch)))?;
        Ok(self.combine(classifiers))
    }

    /// Returns what makes the workers' classifiers. The first worker takes `first`; the others, and a worker after a panic,
    /// open their own.
    pub(super) fn factory(self, first: Box<dyn Classifier>, batch: BatchOptions) -> Factory {
        let first = Mutex::new(Some(first));
        Arc::new(move || {
            let first = first.lock().unwrap_or_else(PoisonError::into_inner).take();
            first.map_or_else(|| self.open_again(batch), Ok)
        })
    }

    fn open_again(&self, batch: BatchOptions) -> Result<Box<dyn Classifier>, InferenceError> {
        self.each(ModelFile::check_unchanged)?;
        self.try_out(self.sessions(batch.intra_op_threads)?, batch.max_batch)
    }

    /// Does something with every network. An error names the member that it comes from.
    fn each<T>(
        &self,
        mut work: impl FnMut(&ModelFile) -> Result<T, InferenceError>,
    ) -> Result<Vec<T>, InferenceError> {
        let work = |(index, file): (usize, &ModelFile)| {
            work(file).map_err(|error| match self.members.get(index) {
                Some(member) => error.in_member(&member.name.to_string()),
                None => error,
            })
        };
        self.files.iter().enumerate().map(work).collect()
    }

    fn combine(&self, mut classifiers: Vec<OnnxClassifier>) -> Box<dyn Classifier> {
        if self.members.is_empty() {
            return Box::new(
                classifiers
                    .pop()
                    .expect("a version has at least one network"),
            );
        }
        let members = self
            .members
            .iter()
            .zip(classifiers)
            .map(|(member, classifier)| {
                let Member { name, weight, .. } = member;
                ensemble::Member {
                    name: name.to_string(),
                    weight: *weight,
                    classifier,
                }
            });
        Box::new(EnsembleClassifier::new(members.collect(), self.labels))
    }
}
