//! The members of an ensemble: inspects them and checks that they are compatible.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::Source;
use crate::{
    inference::{
        InferenceError, Labels, ensemble::signature, invalid_model, onnx::Session, runtime::Runtime,
    },
    models::{
        ensemble::{Ensemble, Member, MemberName, Share},
        file::{self, read_hash},
        manifest::Manifest,
        repository::{MODEL_FILE, Repository, hash, is_version},
        version_config::{CONFIG_FILE, VersionConfig},
        version_files::VersionFiles,
    },
};

/// Inspects the members of an ensemble and combines them.
pub(super) fn inspect(
    runtime: &Runtime,
    version: &VersionFiles,
    ensemble: &Ensemble,
    threads: usize,
) -> Result<(Source, Manifest, Vec<Session>), InferenceError> {
    if version.file(MODEL_FILE).is_file() {
        return invalid_model(format!(
            "{CONFIG_FILE} has an `[ensemble]` table, but the version also has a {MODEL_FILE}; remove one of them"
        ));
    }
    let inspected = inspect_members(runtime, &version.repository, ensemble, threads)?;
    let (mut files, mut manifests, mut sessions) = (Vec::new(), Vec::new(), Vec::new());
    for file::InspectedFile {
        file,
        manifest,
        session,
    } in inspected
    {
        files.push(file);
        manifests.push(manifest);
        sessions.push(session);
    }
    let members: Vec<Member> = ensemble
        .members
        .iter()
        .zip(&files)
        .map(|(share, file)| Member {
            name: share.member.clone(),
            weight: share.weight,
            sha256: file.sha256.clone(),
        })
        .collect();
    let sha256 = combined_sha256(
        &version.repository,
        ensemble,
        files.iter().map(|file| &*file.sha256),
    );
    let manifest = Manifest::of_ensemble(ensemble, members.clone(), &manifests);
    let labels = manifest.labels.len();
    let signature = signature(files[0].signature.side, labels);
    Ok((
        Source {
            files,
            members,
            sha256,
            signature,
            labels,
            _copies: version.copies(),
        },
        manifest,
        sessions,
    ))
}

/// Inspects each member and checks that all take faces of the same size and have the same labels.
fn inspect_members(
    runtime: &Runtime,
    repository: &Repository,
    ensemble: &Ensemble,
    threads: usize,
) -> Result<Vec<file::InspectedFile>, InferenceError> {
    let mut inspected = Vec::with_capacity(ensemble.members.len());
    for share in &ensemble.members {
        let member = inspect_member(runtime, repository, &share.member, threads);
        let member = member.map_err(|error| error.in_member(&share.member.to_string()))?;
        check_compatible(&inspected, &member, ensemble)?;
        inspected.push(member);
    }
    Ok(inspected)
}

/// Inspects a member. Its name is one path component, so its path is always inside the repository.
fn inspect_member(
    runtime: &Runtime,
    repository: &Repository,
    member: &MemberName,
    threads: usize,
) -> Result<file::InspectedFile, InferenceError> {
    let path = repository.member_path(member);
    let path = path.filter(|_| repository.has_model(member.name()));
    let Some(path) = path else {
        return invalid_model("the models directory has no such model");
    };
    if !is_version(&path) {
        return invalid_model("the model has no such version");
    }
    let config = VersionConfig::read(&path)?;
    if config.ensemble.is_some() {
        return invalid_model("it is an ensemble; list its members instead");
    }
    file::inspect(runtime, &path, &config, threads)
}

/// Checks that a member is compatible with the first one.
fn check_compatible(
    before: &[file::InspectedFile],
    member: &file::InspectedFile,
    ensemble: &Ensemble,
) -> Result<(), InferenceError> {
    let Some(first) = before.first() else {
        return Ok(());
    };
    let name = |index: usize| &ensemble.members[index].member;
    let (first_name, name) = (name(0), name(before.len()));
    let (first_side, side) = (first.file.signature.side, member.file.signature.side);
    if first_side != side {
        return invalid_model(format!(
            "member `{name}` takes faces of {side}x{side} pixels, `{first_name}` of {first_side}x{first_side}; \
             the members of an ensemble must take the same size"
        ));
    }
    let list = |labels: &Labels| labels.names().join(", ");
    let (first_labels, labels) = (&first.manifest.labels, &member.manifest.labels);
    if first_labels != labels {
        let (first_labels, labels) = (list(first_labels), list(labels));
        return invalid_model(format!(
            "member `{name}` has the labels {labels}, `{first_name}` has {first_labels}; \
             the members of an ensemble must have the same labels in the same order"
        ));
    }
    Ok(())
}

/// Returns the SHA-256 of one line per member: the SHA-256 of its model file, that of its `mien.toml` or `-`, and its
/// weight, separated by spaces. Names are not part of it, because they do not change the predictions.
pub(super) fn identity(
    repository: &Repository,
    ensemble: &Ensemble,
) -> Result<String, InferenceError> {
    let model_sha256 = |share: &Share| {
        let directory = repository.member_path(&share.member).unwrap_or_default();
        read_hash(&directory.join(MODEL_FILE))
            .map_err(|error| error.in_member(&share.member.to_string()))
    };
    let models = ensemble
        .members
        .iter()
        .map(model_sha256)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(combined_sha256(
        repository,
        ensemble,
        models.iter().map(String::as_str),
    ))
}

/// Returns the [`identity`] of an ensemble whose members' model files have these SHA-256, in the order of the members.
fn combined_sha256<'a>(
    repository: &Repository,
    ensemble: &Ensemble,
    models: impl Iterator<Item = &'a str>,
) -> String {
    let mut lines = String::new();
    for (share, model) in ensemble.members.iter().zip(models) {
        let directory = repository.member_path(&share.member);
        let config = directory.and_then(|directory| hash(&directory.join(CONFIG_FILE)).ok());
        let config = config.unwrap_or_else(|| "-".to_owned());
        writeln!(lines, "{model} {config} {}", share.weight).expect("a string takes any text");
    }
    hex::encode(Sha256::digest(lines))
}
