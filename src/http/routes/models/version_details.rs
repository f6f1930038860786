//! The details of a version in a response.

use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Ref, RefOr,
        schema::{AllOfBuilder, AnyOfBuilder, ObjectBuilder, Schema},
    },
};

use super::{VersionSummary, model_info::ModelInfo};

/// Details of a version.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct VersionDetails {
    #[serde(flatten)]
    pub(super) summary: VersionSummary,
    /// Details of a loaded version.
    #[serde(flatten)]
    pub(super) info: Option<ModelInfo>,
}

// The derived schema of an optional flattened field is `ModelInfo` or null. In the document the fields are present or absent.
impl PartialSchema for VersionDetails {
    fn schema() -> RefOr<Schema> {
        let info = AnyOfBuilder::new()
            .item(Ref::from_schema_name(ModelInfo::name()))
            .item(ObjectBuilder::new())
            .description(Some("Details of a loaded version; absent for others."));
        AllOfBuilder::new()
            .item(Ref::from_schema_name(VersionSummary::name()))
            .item(info)
            .description(Some("Details of a version."))
            .into()
    }
}

impl ToSchema for VersionDetails {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((
            VersionSummary::name().into_owned(),
            VersionSummary::schema(),
        ));
        schemas.push((ModelInfo::name().into_owned(), ModelInfo::schema()));
        VersionSummary::schemas(schemas);
        ModelInfo::schemas(schemas);
    }
}
