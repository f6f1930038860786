//! The outcome of a promotion as a sentence and an exit code.

use std::process::ExitCode;

use serde::Deserialize;

use crate::{
    cli::{
        REJECTED,
        api_client::{NoResponse, Rejected},
    },
    store::PromotionStatus,
};

/// Exit code if the server is not reachable.
const UNREACHABLE: u8 = 5;
/// Exit code if the admin token is missing or wrong.
const UNAUTHORIZED: u8 = 6;
/// Exit code of a cancelled promotion.
const CANCELLED: u8 = 7;
/// Error code of the server if the shadow does not meet the criterion.
const SHADOW_NOT_PASSED: &str = "shadow_not_passed";

/// The fields of a promotion that the command uses.
#[derive(Debug, Deserialize)]
pub(super) struct Promotion {
    pub(super) id: String,
    model: String,
    version: String,
    pub(super) status: PromotionStatus,
    pub(super) previous: Option<String>,
    pub(super) images: Images,
    reason: Option<String>,
}

/// Progress of the evaluations.
#[derive(Debug, Deserialize)]
pub(super) struct Images {
    pub(super) done: u64,
    pub(super) total: u64,
}

impl Promotion {
    /// Returns the line that the command prints when the promotion has ended.
    pub(super) fn sentence(&self) -> String {
        let Self { model, version, .. } = self;
        let reason = self.reason.as_deref().unwrap_or("no reason given");
        let serving = |verb: &str| match &self.previous {
            Some(previous) => format!("; version {previous} {verb}"),
            None => String::new(),
        };
        match self.status {
            PromotionStatus::Promoted => {
                format!("{model}: version {version} is promoted: {reason}")
            }
            PromotionStatus::Rejected => {
                let before = serving("continues to serve and is pinned");
                format!("{model}: version {version} is rejected{before}: {reason}")
            }
            PromotionStatus::Cancelled => {
                let before = serving("continues to serve");
                format!(
                    "{model}: the promotion of version {version} was cancelled{before}: {reason}"
                )
            }
            PromotionStatus::Failed
            | PromotionStatus::Queued
            | PromotionStatus::Loading
            | PromotionStatus::Evaluating => {
                format!("{model}: the promotion of version {version} failed: {reason}")
            }
        }
    }

    /// Returns the exit code of the command.
    pub(super) fn exit_code(&self) -> ExitCode {
        match self.status {
            PromotionStatus::Promoted => ExitCode::SUCCESS,
            PromotionStatus::Rejected => ExitCode::from(REJECTED),
            PromotionStatus::Cancelled => ExitCode::from(CANCELLED),
            PromotionStatus::Failed
            | PromotionStatus::Queued
            | PromotionStatus::Loading
            | PromotionStatus::Evaluating => ExitCode::FAILURE,
        }
    }
}

/// Returns the exit code of an error that prevents a promotion.
pub(super) fn exit_code_of(error: &anyhow::Error) -> ExitCode {
    let rejected = error.downcast_ref::<Rejected>();
    if error.is::<NoResponse>() {
        ExitCode::from(UNREACHABLE)
    } else if rejected.is_some_and(Rejected::is_unauthorized) {
        ExitCode::from(UNAUTHORIZED)
    } else if rejected.is_some_and(|rejected| rejected.has_code(SHADOW_NOT_PASSED)) {
        ExitCode::from(REJECTED)
    } else {
        ExitCode::FAILURE
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn outcome_is_one_sentence() {
        let text = |status: &str| {
            let document = json!({
                "id": "x", "model": "m", "version": "2", "previous": "1", "status": status,
                "images": {"done": 7, "total": 7}, "reason": "why",
            });
            Promotion::deserialize(&document).unwrap().sentence()
        };
        assert_eq!(text("promoted"), "m: version 2 is promoted: why");
        assert_eq!(
            text("rejected"),
            "m: version 2 is rejected; version 1 continues to serve and is pinned: why"
        );
        assert_eq!(
            text("cancelled"),
            "m: the promotion of version 2 was cancelled; version 1 continues to serve: why"
        );
        assert_eq!(text("failed"), "m: the promotion of version 2 failed: why");
    }
}
