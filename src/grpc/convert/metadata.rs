//! The metadata of the server and of models, and the index of the repository.

use crate::{
    grpc::proto::{self, model_metadata_response},
    oip,
};

impl From<oip::ServerMetadata> for proto::ServerMetadataResponse {
    fn from(metadata: oip::ServerMetadata) -> Self {
        let extensions = metadata.extensions.map(str::to_owned).to_vec();
        Self {
            name: metadata.name.to_owned(),
            version: metadata.version.to_owned(),
            extensions,
        }
    }
}

impl From<oip::TensorMetadata> for model_metadata_response::TensorMetadata {
    fn from(tensor: oip::TensorMetadata) -> Self {
        Self {
            name: tensor.name,
            datatype: tensor.datatype.to_owned(),
            shape: tensor.shape,
        }
    }
}

impl From<oip::ModelMetadata> for proto::ModelMetadataResponse {
    fn from(metadata: oip::ModelMetadata) -> Self {
        Self {
            name: metadata.name,
            versions: metadata.versions.iter().map(ToString::to_string).collect(),
            platform: metadata.platform.to_owned(),
            inputs: metadata.inputs.into_iter().map(Into::into).collect(),
            outputs: metadata.outputs.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<oip::ModelIndex> for proto::repository_index_response::ModelIndex {
    fn from(entry: oip::ModelIndex) -> Self {
        let oip::ModelIndex {
            name,
            version,
            state,
            reason,
        } = entry;
        Self {
            name,
            version: version.to_string(),
            state: state.to_owned(),
            reason,
        }
    }
}
