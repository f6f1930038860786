//! The networks of a version: one, or the members of an ensemble. Opens classifiers from them.

mod factory;
mod members;
mod session_kind;

use std::sync::Arc;

use tempfile::TempDir;

pub(super) use self::factory::First;
pub use self::session_kind::SessionKind;
use super::{
    ensemble::Member,
    file::{self, ModelFile, read_hash},
    manifest::Manifest,
    repository::VersionDir,
    version_config::VersionConfig,
    version_files::VersionFiles,
};
use crate::inference::{
    Classifier, InferenceError,
    engine::{Engine, Execution, Precision},
    ensemble::{self, EnsembleClassifier},
    onnx::{OnnxClassifier, Session},
    runtime::{Runtime, openvino::OpenVinoError},
    signature::Signature,
};

/// A version that can be served.
pub struct InspectedModel {
    /// The networks.
    pub source: Source,
    /// The metadata of the files.
    pub manifest: Manifest,
    /// The `mien.toml`.
    pub config: VersionConfig,
    /// The sessions of the inspection, one per network.
    pub sessions: Vec<Session>,
}

/// The networks of a version.
pub struct Source {
    /// At least one; exactly one if the version is not an ensemble.
    files: Vec<ModelFile>,
    /// The members of the ensemble, in the order of `files`; empty if the version is not an ensemble.
    members: Vec<Member>,
    /// SHA-256 that identifies the predictions of the version, as `identity` returns it.
    pub sha256: String,
    /// Input and outputs of the version.
    pub signature: Signature,
    /// Number of classes.
    labels: usize,
    /// Keeps verified copies of the files, from which workers open sessions.
    _copies: Option<Arc<TempDir>>,
}

/// Opens a session of each network of a version, whose calls use `threads` cores, checks the metadata and runs each network
/// once.
///
/// # Errors
/// Returns the reason, without paths, if the version cannot be served.
pub fn inspect(
    runtime: &Runtime,
    files: &VersionFiles,
    config: VersionConfig,
    threads: usize,
) -> Result<InspectedModel, InferenceError> {
    if let Some(ensemble) = &config.ensemble {
        let (source, manifest, sessions) = members::inspect(runtime, files, ensemble, threads)?;
        return Ok(InspectedModel {
            source,
            manifest,
            config,
            sessions,
        });
    }
    let file::InspectedFile {
        file,
        manifest,
        session,
    } = file::inspect(runtime, &files.path, &config, threads)?;
    let (sha256, signature) = (file.sha256.clone(), file.signature.clone());
    let labels = manifest.labels.len();
    let source = Source {
        files: vec![file],
        members: Vec::new(),
        sha256,
        signature,
        labels,
        _copies: files.copies(),
    };
    Ok(InspectedModel {
        source,
        manifest,
        config,
        sessions: vec![session],
    })
}

/// Returns the SHA-256 that identifies the predictions of a version: that of its model file, or one that covers the files
/// and weights of an ensemble's members. Does not open a session.
///
/// # Errors
/// Returns an error if a file cannot be read.
pub(super) fn identity(dir: &VersionDir, config: &VersionConfig) -> Result<String, InferenceError> {
    match &config.ensemble {
        Some(ensemble) => members::identity(&dir.repository, ensemble),
        None => read_hash(&dir.model_file()),
    }
}

impl Source {
    /// Compiles each network with OpenVINO for calls that use `threads` cores.
    ///
    /// # Errors
    /// Returns the reason if OpenVINO cannot execute a network.
    pub fn compile(
        &self,
        precision: Precision,
        threads: usize,
    ) -> Result<SessionKind, OpenVinoError> {
        let compiled = self
            .files
            .iter()
            .map(|file| file.compile(precision, threads));
        let compiled = compiled.collect::<Result<_, _>>()?;
        Ok(SessionKind::OpenVino(precision, compiled))
    }

    /// Returns how sessions of this execution are opened, whose calls use `threads` cores.
    ///
    /// # Errors
    /// Returns an error if OpenVINO cannot execute a network.
    pub fn session_kind(
        &self,
        execution: Execution,
        threads: usize,
    ) -> Result<SessionKind, InferenceError> {
        match execution.engine {
            Engine::OnnxRuntime => Ok(SessionKind::Default(threads)),
            Engine::OpenVino => self
                .compile(execution.precision, threads)
                .map_err(|error| InferenceError::Model(error.to_string())),
        }
    }

    /// Opens a session of each network.
    ///
    /// # Errors
    /// Returns an error if a file was removed or replaced by an invalid one.
    pub fn sessions(&self, kind: &SessionKind) -> Result<Vec<Session>, InferenceError> {
        match kind {
            SessionKind::Default(threads) => self.each(|file| file.session(*threads)),
            SessionKind::OpenVino(_, compiled) => {
                let mut compiled = compiled.iter();
                self.each(|file| {
                    let model = compiled.next().expect("each network is compiled");
                    file.compiled_session(model)
                })
            }
        }
    }

    /// Returns a classifier of these sessions that is warmed up.
    ///
    /// # Errors
    /// Returns an error if a warm-up fails.
    pub fn warm_up(
        &self,
        sessions: Vec<Session>,
        max_batch: usize,
    ) -> Result<Box<dyn Classifier>, InferenceError> {
        let mut sessions = sessions.into_iter();
        let classifiers = self.each(|file| {
            let session = sessions.next().expect("there is one session per network");
            file.warm_up(session, max_batch)
        })?;
        Ok(self.combine(classifiers))
    }

    /// Opens a classifier that is not warmed up, for measurements.
    ///
    /// # Errors
    /// Returns an error if a file was removed or replaced by an invalid one.
    pub fn open_without_warm_up(
        &self,
        kind: &SessionKind,
        max_batch: usize,
    ) -> Result<Box<dyn Classifier>, InferenceError> {
        let mut sessions = self.sessions(kind)?.into_iter();
        let classifiers = self.each(|file| {
            let session = sessions.next().expect("there is one session per network");
            Ok(file.without_warm_up(session, max_batch))
        })?;
        Ok(self.combine(classifiers))
    }

    /// Calls `work` for each network. Errors contain the name of the member.
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
