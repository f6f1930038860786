//! Tries an engine before it gets requests.

use crate::{
    batching::BatchOptions,
    inference::{
        Classifier, InferenceError,
        agreement::{Agreement, Tolerance},
        engine::Precision,
        runtime::openvino::OpenVinoError,
    },
    models::source::{SessionKind, Source},
};

/// Opens sessions of OpenVINO, warms them up and compares their probabilities with those of the default provider.
pub(super) fn try_engine(
    source: &Source,
    precision: Precision,
    batch: BatchOptions,
    reference: &mut dyn Classifier,
) -> Result<(SessionKind, Box<dyn Classifier>, Agreement), OpenVinoError> {
    let failed = |error: InferenceError| OpenVinoError::Model(error.to_string());
    let kind = source.compile(precision, batch.intra_op_threads)?;
    let sessions = source.sessions(&kind).map_err(failed)?;
    let mut first = source.warm_up(sessions, batch.max_batch).map_err(failed)?;
    let side = source.signature.side;
    let agreement = Agreement::measure(reference, first.as_mut(), side).map_err(failed)?;
    let execution = kind.execution();
    tracing::info!(
        sha256 = source.sha256,
        %execution,
        max_difference = agreement.max_difference,
        mean_difference = agreement.mean_difference,
        flipped_labels = agreement.flipped_labels,
        faces = agreement.faces,
        "compared the engine with the default provider"
    );
    agreement
        .check(Tolerance::of(precision))
        .map_err(OpenVinoError::Disagreement)?;
    Ok((kind, first, agreement))
}
