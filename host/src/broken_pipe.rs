//! Errors of a pipe whose reader has ended.

use std::{error::Error, io, iter};

/// Returns whether an error is caused by a pipe whose reader has ended, such as `head` after the last line that it needs. A
/// command then ends without an error message.
pub fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    iter::successors(Some(error), |&error| error.source()).any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}
