//! The place where images are classified: this process or a server.

use futures_util::{Stream, stream::LocalBoxStream};

use super::{format::Schema, inputs::Entry, local::LocalModel, result::FileResult, server::Server};

/// The place where images are classified.
pub(super) enum Backend {
    Local(LocalModel),
    Server(Server),
}

impl Backend {
    /// Returns the properties of the rows.
    pub(super) fn schema(&self, faces: bool, video: bool) -> Schema {
        let (labels, model) = match self {
            Self::Local(local) => (local.labels(), Some(local.id().clone())),
            // The server may switch to another version at any time.
            Self::Server(server) => (server.labels(), None),
        };
        Schema {
            labels: labels.to_vec(),
            faces,
            video,
            model,
        }
    }

    /// Returns the results in the order of the entries.
    pub(super) fn results<'a>(
        &'a self,
        entries: impl Stream<Item = anyhow::Result<Entry>> + 'a,
    ) -> LocalBoxStream<'a, anyhow::Result<Vec<FileResult>>> {
        match self {
            Self::Local(local) => local.results(entries),
            Self::Server(server) => server.results(entries),
        }
    }
}
